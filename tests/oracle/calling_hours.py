"""At which minutes may a person be called? Counted out by hand, one minute after another.

Shares no code with callagent and none of its data: the rules are typed here once more, holidays
are computed from their definitions, and of a time zone it asks nothing but the offset at a minute.
The holidays of single states of the US are the exception: here, too, they come from `holidays`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import holidays as public_holidays

FIRST, YEARS = date(2026, 1, 1), 3
_DAY = 24 * 60
_SPARE_DAYS = 3  # of local calendar around the years, for offsets of up to a day
_BEGIN = datetime(FIRST.year, 1, 1, tzinfo=UTC)
MINUTES = int((datetime(FIRST.year + YEARS, 1, 1, tzinfo=UTC) - _BEGIN).total_seconds()) // 60
_COUNTED = MINUTES + _DAY  # a day more: whoever is called in the last minutes has a margin, too
BEGIN_S = int(_BEGIN.timestamp())

Stretch = tuple[int, int, int]  # minutes since, until, and the offset between, in minutes
Rule = Callable[[date], tuple[range, ...]]  # a local day → the minutes at which one may call


def us(day: date) -> tuple[range, ...]:
    return (range(480, 1260),)


def ca(day: date) -> tuple[range, ...]:
    return (range(600, 1080),) if day.isoweekday() >= 6 else (range(540, 1290),)


def uk(day: date) -> tuple[range, ...]:
    return (range(480, 1260),)


def fr(day: date) -> tuple[range, ...]:
    if day.isoweekday() >= 6 or day in _french_holidays(day.year):
        return ()
    return range(600, 780), range(840, 1200)


def india(day: date) -> tuple[range, ...]:
    return (range(540, 1260),)


def au(day: date) -> tuple[range, ...]:
    if day.isoweekday() == 7 or day in _australian_holidays(day.year):
        return ()
    return (range(540, 1020),) if day.isoweekday() == 6 else (range(540, 1200),)


def us_strict(state: str) -> Rule:
    """Of a state; without one, what is left by all of them."""
    begins, ends, last_day = _TIGHTER.get(state, (8, 21, 6)) if state else (10, 17, 5)
    is_off = _days_off_in(state)

    def rule(day: date) -> tuple[range, ...]:
        if day.isoweekday() > last_day or is_off(day):
            return ()
        return (range(begins * 60, ends * 60),)

    return rule


_TIGHTER = {  # first hour, hour of the end, last day of the week
    **dict.fromkeys(("AL", "FL", "LA", "MA", "MD", "MS", "OK", "WA", "WY"), (8, 20, 6)),
    **dict.fromkeys(("CT", "NV"), (9, 20, 6)),
    **dict.fromkeys(("MI", "MN", "NM", "TX"), (9, 21, 6)),
    "KY": (10, 21, 6),
    "RI": (9, 18, 5),
    "ME": (9, 17, 5),
}
_WITH_DAYS_OFF = ("AL", "LA", "MS", "PA", "RI", "UT")


def default_window(day: date) -> tuple[range, ...]:
    return (range(480, 1260),) if day.isoweekday() <= 6 else ()


def rule_of(preset: str, state: str = "") -> Rule:
    """Of a preset; empty: of the window that the config has by default."""
    if preset == "us-strict":
        return us_strict(state)
    rules = {"": default_window, "us": us, "ca": ca, "uk": uk, "fr": fr, "in": india, "au": au}
    return rules[preset]


class Calendar:
    """A rule, answered for every minute of the local calendar."""

    def __init__(self, rule: Rule) -> None:
        first = FIRST - timedelta(days=_SPARE_DAYS)
        days = MINUTES // _DAY + 2 * _SPARE_DAYS
        self._flags = bytearray(days * _DAY)
        for n in range(days):
            for minutes in rule(first + timedelta(days=n)):
                for minute in minutes:
                    self._flags[n * _DAY + minute] = 1

    def allowed(self, stretches: Iterable[Stretch], margin: int) -> Iterator[tuple[int, int]]:
        """Runs of UTC minutes since BEGIN_S at which a dial may begin; the end is outside."""
        flags = bytearray()
        for since, until, offset in stretches:
            ahead = offset + _SPARE_DAYS * _DAY
            flags += self._flags[since + ahead : until + ahead]
        for run in re.finditer(rb"\x01+", flags):
            last = min(run.end() - margin, MINUTES)
            if run.start() < last:
                yield run.start(), last


def stretches_of(zone: str) -> list[Stretch]:
    """The zone's offsets over the years; every single minute is looked up."""
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as data:
        there = ZoneInfo.from_file(data)
    found: list[Stretch] = []
    since, offset = 0, _offset(there, 0)
    for minute in range(1, _COUNTED):
        if (new := _offset(there, minute)) != offset:
            found.append((since, minute, offset))
            since, offset = minute, new
    return [*found, (since, _COUNTED, offset)]


def _offset(there: ZoneInfo, minute: int) -> int:
    offset = datetime.fromtimestamp(BEGIN_S + minute * 60, there).utcoffset()
    assert offset is not None
    return (offset.days * 86_400 + offset.seconds) // 60


def _easter(year: int) -> date:
    """Of the Gregorian calendar, by the anonymous algorithm of 1876."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    wday = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * wday) // 451
    month, day = divmod(h + wday - 7 * m + 114, 31)
    return date(year, month, day + 1)


@cache
def _french_holidays(year: int) -> set[date]:
    fixed = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    moving = (1, 39, 50)  # days after Easter
    easter = _easter(year)
    return {date(year, *day) for day in fixed} | {easter + timedelta(days=n) for n in moving}


@cache
def _australian_holidays(year: int) -> set[date]:
    """Those of the whole country."""
    fixed = ((1, 1), (1, 26), (4, 25), (12, 25), (12, 26))
    easter = _easter(year)
    return {date(year, *day) for day in fixed} | {easter + timedelta(days=n) for n in (-2, 1)}


@cache
def _american_holidays(year: int) -> set[date]:
    """The federal ones, and the weekday on which one that falls on a weekend is kept."""
    moving = {
        _nth(year, 1, 1, 3),
        _nth(year, 2, 1, 3),
        _last_monday_of_may(year),
        _nth(year, 9, 1, 1),
        _nth(year, 10, 1, 2),
        _nth(year, 11, 4, 4),
    }
    fixed = {date(year, *day) for day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))}
    kept = {_weekday_near(day) for day in (*fixed, date(year + 1, 1, 1))}
    return {day for day in moving | fixed | kept if day.year == year}


def _weekday_near(day: date) -> date:
    return day + timedelta(days={6: -1, 7: 1}.get(day.isoweekday(), 0))


def _nth(year: int, month: int, isoweekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(isoweekday - first.isoweekday()) % 7 + 7 * (nth - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.isoweekday() - 1)


def _days_off_in(state: str) -> Callable[[date], bool]:
    if not state:
        return lambda day: day in _american_holidays(day.year)
    if state not in _WITH_DAYS_OFF:
        return lambda day: False
    years = range(FIRST.year - 1, FIRST.year + YEARS + 1)
    days = public_holidays.country_holidays("US", subdiv=state, years=years, expand=False)
    return days.__contains__
