"""Hours of a week on a wall clock: for each day some spans, which may have breaks between them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from itertools import groupby
from typing import Self

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
Spans = tuple[tuple[int, int], ...]  # minutes since midnight, in order; the end is outside


@dataclass(frozen=True, slots=True)
class Week:
    days: tuple[Spans, ...]  # seven; the first is Monday

    @classmethod
    def of(cls, hours: Mapping[str, str]) -> Self:
        """From `{"mon-fri": "10:00-13:00, 14:00-20:00"}`; a day that is not named is closed."""
        days: list[Spans] = [()] * 7
        for named, spans in hours.items():
            first, _, last = named.partition("-")
            for day in range(DAYS.index(first), DAYS.index(last or first) + 1):
                days[day] = tuple(_span(text) for text in spans.split(","))
        return cls(tuple(days))

    @classmethod
    def daily(cls, start: int, end: int, days: Iterable[int]) -> Self:
        """The same hours on some days (0 is Monday)."""
        chosen = frozenset(days)
        return cls(tuple(((start, end),) if day in chosen else () for day in range(7)))

    def __and__(self, other: "Week") -> "Week":
        return Week(tuple(common(a, b) for a, b in zip(self.days, other.days, strict=True)))

    def __str__(self) -> str:
        runs = [
            (spans, [day for day, _ in run])
            for spans, run in groupby(enumerate(self.days), key=lambda numbered: numbered[1])
        ]
        return "; ".join(f"{_days(days)} {_hours(spans)}" for spans, days in runs if spans)


def common(these: Spans, those: Spans) -> Spans:
    """What lies in both."""
    return tuple(
        (max(a, c), min(b, d)) for a, b in these for c, d in those if max(a, c) < min(b, d)
    )


def minute_of(clock: str | time) -> int:
    """`"08:30"` → 510, `"24:00"` → 1440; so is the last moment of a day."""
    if clock in ("24:00", time.max):
        return DAY_MIN
    at = clock if isinstance(clock, time) else time.fromisoformat(clock)
    return at.hour * 60 + at.minute


def shown(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _span(text: str) -> tuple[int, int]:
    start, _, end = text.strip().partition("-")
    return minute_of(start), minute_of(end)


def _days(days: list[int]) -> str:
    first, last = DAYS[days[0]], DAYS[days[-1]]
    return first if first == last else f"{first} to {last}"


def _hours(spans: Spans) -> str:
    return " and ".join(f"{shown(start)} to {shown(end)}" for start, end in spans)
