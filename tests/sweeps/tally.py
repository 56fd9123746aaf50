"""Sums of what the points showed, and the table that is printed of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.sweeps.points import Verdict

HEADINGS = (
    "points tried",
    "killed",
    "kills",
    "called twice",
    "lost",
    "left for a person",
    "settled by itself",
    "violations",
    "seconds",
)


@dataclass(slots=True)
class Sums:
    tried: int = 0
    killed: int = 0
    kills: int = 0
    doubles: int = 0
    lost: int = 0
    parked: int = 0
    settled: int = 0
    violations: int = 0
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        self.tried += 1
        self.killed += verdict.counts
        self.kills += verdict.kills_done
        self.doubles += verdict.doubles
        self.lost += verdict.lost
        self.parked += verdict.parked
        self.settled += verdict.settled
        self.violations += len(verdict.violations)
        self.seconds += verdict.seconds

    def cells(self) -> list[str]:
        whole = (self.tried, self.killed, self.kills, self.doubles, self.lost)
        rest = (self.parked, self.settled, self.violations)
        return [*map("{:,}".format, (*whole, *rest)), f"{self.seconds:,.0f}"]


class Tally:
    def __init__(self) -> None:
        self.total = Sums()
        self._by: dict[str, Sums] = defaultdict(Sums)
        self.wrong: list[Verdict] = []

    def add(self, verdict: Verdict) -> None:
        self.total.add(verdict)
        self._by[f"kill: {verdict.point.kind}"].add(verdict)
        self._by[f"provider: {verdict.point.shape.schedule}"].add(verdict)
        if verdict.violations:
            self.wrong.append(verdict)

    def table(self) -> str:
        """A Markdown table, which reads well in a terminal too."""
        rows = [[name, *sums.cells()] for name, sums in sorted(self._by.items())]
        return markdown(("", *HEADINGS), [*rows, ["**all**", *self.total.cells()]])


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = [list(headings), *map(list, rows)]
    widths = [max(len(row[column]) for row in body) for column in range(len(headings))]
    lines = [
        "| " + " | ".join(cell.rjust(w) if n else cell.ljust(w) for n, (cell, w) in parts) + " |"
        for parts in (list(enumerate(zip(row, widths, strict=True))) for row in body)
    ]
    rule = "|" + "|".join("-" * (w + 1) + (":" if n else "-") for n, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
