"""When a campaign is to be started, in the machine's own time. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)"
_AT = re.compile(_CLOCK)
_EVERY = re.compile(rf"{_CLOCK}-{_CLOCK}/(\d+)([mh])")
_HELP = 'write it as "mon-fri 09:30", "09:00,13:00" or "mon-sat 09:00-17:00/30m"'


@dataclass(frozen=True, slots=True)
class Slot:
    """Starts of some days: at each of the minutes of each of the hours."""

    days: tuple[str, ...]  # of DAYS, in their order
    hours: tuple[int, ...]
    minutes: tuple[int, ...]

    def starts(self) -> Iterable[tuple[str, time]]:
        return (
            (day, time(hour, minute))
            for day in self.days
            for hour in self.hours
            for minute in self.minutes
        )


def read_times(texts: Iterable[str]) -> list[Slot]:
    """`[DAYS ]HH:MM[,HH:MM]…` or `[DAYS ]HH:MM-HH:MM/30m`. Raises ValueError: what to write."""
    return [slot for text in texts for slot in _slots(text)]


def _slots(text: str) -> Iterable[Slot]:
    words = text.strip().lower().split()
    if not 1 <= len(words) <= 2:
        raise ValueError(f"{text!r} is no time: {_HELP}")
    days = _days(words[0]) if len(words) == 2 else DAYS
    minutes_of: dict[int, set[int]] = defaultdict(set)
    for part in words[-1].split(","):
        for at in _starts(part):
            minutes_of[at.hour].add(at.minute)
    return _grouped(days, minutes_of)


def _grouped(days: tuple[str, ...], minutes_of: Mapping[int, set[int]]) -> Iterable[Slot]:
    """Hours that share their minutes are one slot: cron can say no more in one line."""
    hours_of: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for hour in sorted(minutes_of):
        hours_of[tuple(sorted(minutes_of[hour]))].append(hour)
    return [Slot(days, tuple(hours), minutes) for minutes, hours in hours_of.items()]


def _starts(part: str) -> Iterable[time]:
    if found := _AT.fullmatch(part):
        return [time(int(found[1]), int(found[2]))]
    if not (found := _EVERY.fullmatch(part)):
        raise ValueError(f"{part!r} is no time: {_HELP}")
    first, last = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3))
    step = int(found[5]) * (60 if found[6] == "h" else 1)
    if not 5 <= step <= 24 * 60:
        raise ValueError(f"{part!r}: starts must be five minutes apart at least")
    if last < first:
        raise ValueError(f"{part!r}: the second time must not be before the first")
    return [time(at // 60, at % 60) for at in range(first, last + 1, step)]


def _days(text: str) -> tuple[str, ...]:
    chosen: set[str] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{text!r} names no days: {_HELP}")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        if end < begin:
            raise ValueError(f"{text!r}: begin with the earlier day, as mon-fri")
        chosen.update(DAYS[begin : end + 1])
    return tuple(day for day in DAYS if day in chosen)
