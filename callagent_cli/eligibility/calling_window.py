"""When a contact may be called.

Called by: eligibility.decision. Invariant: decides from its arguments alone, on the wall clocks
of the contact's zones; no zone means "not now", never "now".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Self
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEARCH_DAYS = 14
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """Hours of the day, in the time of the person called."""

    start: time
    end: time  # the first moment outside; 00:00 is the end of the day
    days: frozenset[int] = frozenset(range(7))  # 0 is Monday
    holidays: frozenset[date] = field(default_factory=frozenset)  # nobody is called on these

    def __post_init__(self) -> None:
        if self.end != time(0) and self.start >= self.end:
            raise ValueError(f"a calling window cannot open at {self.start} and end at {self.end}")

    @classmethod
    def of(
        cls,
        start: time | str,
        end: time | str,
        days: Iterable[int | str],
        holidays: Iterable[date] = (),
    ) -> Self:
        """Build from what a config holds: `"08:00"`, `"24:00"`, `"mon"`."""
        return cls(_time(start), _time(end), frozenset(map(_day, days)), frozenset(holidays))

    def __str__(self) -> str:
        end = "24:00" if self.end == time(0) else f"{self.end:%H:%M}"
        return f"{self.start:%H:%M} to {end}, {', '.join(_DAYS[day] for day in sorted(self.days))}"

    def includes(self, zones: Sequence[ZoneInfo], at: datetime) -> bool:
        """True when `at` is inside in every zone; no zone at all is never inside."""
        return bool(zones) and all(self._is_open(at.astimezone(zone)) for zone in zones)

    def next_opening(self, zones: Sequence[ZoneInfo], after: datetime) -> datetime | None:
        """The first instant, from `after` on, that is inside in every zone; aware, UTC.

        None when there is none within 14 days.
        """
        begin = after.astimezone(UTC)
        for day in range(_SEARCH_DAYS + 1):
            for opens, closes in _open_spans(self, tuple(zones), begin.date() + day * _DAY):
                if begin < closes and opens <= begin + _SEARCH_DAYS * _DAY:
                    return max(begin, opens)
        return None

    def _is_open(self, local: datetime) -> bool:
        return (
            local.weekday() in self.days
            and local.date() not in self.holidays
            and self.start <= local.time()
            and (self.end == time(0) or local.time() < self.end)
        )


@lru_cache(maxsize=4096)  # a campaign's contacts share a few sets of zones
def _open_spans(
    window: CallingWindow, zones: tuple[ZoneInfo, ...], day: date
) -> tuple[tuple[datetime, datetime], ...]:
    """The spans of a UTC day that are inside in every zone.

    Between two edges the answer is the same everywhere, so one look at each edge is enough.
    """
    midnight = datetime.combine(day, time(0), UTC)
    edges = {midnight}
    for zone in zones:
        edges |= _wall_edges(window, zone, day) | _transitions(zone, midnight)
    inside = sorted(edge for edge in edges if midnight <= edge < midnight + _DAY)
    ends = [*inside[1:], midnight + _DAY]
    return tuple(
        (opens, closes)
        for opens, closes in zip(inside, ends, strict=True)
        if window.includes(zones, opens)
    )


def _wall_edges(window: CallingWindow, zone: ZoneInfo, day: date) -> set[datetime]:
    """Instants at which a wall clock may step into or out of the window, around a UTC day."""
    return {
        datetime.combine(local_day, wall, zone).replace(fold=fold).astimezone(UTC)
        for local_day in (day - _DAY, day, day + _DAY)
        for wall in (time(0), window.start, window.end)
        for fold in (0, 1)  # an hour that comes twice opens twice
    }


def _transitions(zone: ZoneInfo, midnight: datetime) -> set[datetime]:
    """Instants of a UTC day at which the zone's offset changes, to the second."""
    hours = [midnight + n * _HOUR for n in range(25)]
    return {
        _first_with_new_offset(zone, before, after)
        for before, after in pairwise(hours)
        if _offset(zone, before) != _offset(zone, after)
    }


def _first_with_new_offset(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def _time(given: time | str) -> time:
    if isinstance(given, time):
        return given
    return time(0) if given == "24:00" else time.fromisoformat(given)


def _day(given: int | str) -> int:
    return given if isinstance(given, int) else _DAYS.index(given.lower()[:3])
