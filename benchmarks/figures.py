"""Figures, their targets, and the one table they are shown in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_BLOCK = re.compile(r"(<!-- figures -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = ("measured", "callagent", "against", "ratio", "target", "")


@dataclass(frozen=True, slots=True)
class Target:
    """value: what is held against the limit, in the limit's unit."""

    text: str
    value: float
    limit: float
    is_floor: bool = False  # the value must be at least the limit

    def verdict(self) -> str:
        is_kept = self.value >= self.limit if self.is_floor else self.value <= self.limit
        return "kept" if is_kept else f"missed by {abs(self.value / self.limit - 1):.0%}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ratio: of callagent to what it is held against, or ''."""

    what: str
    ours: str
    against: str = ""
    ratio: str = ""
    target: Target | None = None

    def cells(self) -> tuple[str, ...]:
        target = (self.target.text, self.target.verdict()) if self.target else ("", "")
        return (self.what, self.ours, self.against, self.ratio, *target)


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of the rounds: what slows a whole round down cancels out."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def less(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the differences of the rounds."""
    return median(a - b for a, b in zip(ours, theirs, strict=True))


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table that also reads well on a terminal."""
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(3, *(len(row[n]) for row in rows)) for n in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def write_into(page: Path, text: str) -> None:
    """Put `text` between the page's two marks."""
    before = page.read_text()
    after, blocks = _BLOCK.subn(lambda block: f"{block[1]}{text}{block[2]}", before)
    if blocks != 1:
        raise ValueError(f"{page} has {blocks} blocks for figures; one is needed")
    page.write_text(after)
