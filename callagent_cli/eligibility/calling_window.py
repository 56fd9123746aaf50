"""The hours that the config allows, in the time of the person called."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Self

from callagent_cli.eligibility.holiday_calendar import Calendar, ListedDays
from callagent_cli.eligibility.opening_times import Hours
from callagent_cli.eligibility.week import DAYS, Week, minute_of, shown


@dataclass(frozen=True, slots=True)
class CallingWindow:
    start: int  # minutes since midnight
    end: int  # the first minute outside; 1440 is the end of the day
    days: frozenset[int] = frozenset(range(7))  # 0 is Monday
    holidays: frozenset[date] = field(default_factory=frozenset)  # nobody is called on these

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(
                f"a calling window cannot open at {shown(self.start)} and end at {shown(self.end)}"
            )

    @classmethod
    def of(
        cls,
        start: time | str,
        end: time | str,
        days: Iterable[int | str],
        holidays: Iterable[date] = (),
    ) -> Self:
        """Build from what a config holds: `"08:00"`, `"24:00"`, `"mon"`."""
        return cls(
            minute_of(start), minute_of(end), frozenset(map(_day, days)), frozenset(holidays)
        )

    def hours(self, public_holidays: Iterable[Calendar] = ()) -> Hours:
        listed = (ListedDays(self.holidays),) if self.holidays else ()
        week = Week.daily(self.start, self.end, self.days)
        return Hours("the calling window", week, (*listed, *public_holidays), str(self))

    def __str__(self) -> str:
        days = ", ".join(DAYS[day] for day in sorted(self.days))
        return f"{shown(self.start)} to {shown(self.end)}, {days}"


def _day(given: int | str) -> int:
    return given if isinstance(given, int) else DAYS.index(given.lower()[:3])
