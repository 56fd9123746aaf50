"""Public holidays, by the `holidays` package: a country's, or those of a part of it.

A calendar is named as in ISO 3166: `FR`, `US-CA`, `GB-ENG`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache

_LANGUAGE = "en_US"  # of the names, on every machine


class UnknownCalendar(ValueError):
    """No such country, or no such part of it; the message says what is near."""


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    code: str

    def name_of(self, day: date) -> str | None:
        return _year(self.code, day.year).get(day)

    def __str__(self) -> str:
        return self.code


@dataclass(frozen=True, slots=True)
class ListedDays:
    """The dates of `calling_window.holidays`."""

    days: frozenset[date]

    def name_of(self, day: date) -> str | None:
        return day.isoformat() if day in self.days else None

    def __str__(self) -> str:
        return "calling_window.holidays"


Calendar = PublicHolidays | ListedDays


def calendar_of(country: str, state: str) -> PublicHolidays | None:
    """The state's, else the country's; None where the package knows neither."""
    states = _supported().get(country)
    if states is None:
        return None
    return PublicHolidays(f"{country}-{state}" if state in states else country)


def check_calendar(code: str) -> None:
    """Raises UnknownCalendar."""
    country, _, state = code.partition("-")
    states = _supported().get(country)
    if states is None:
        raise UnknownCalendar(f"no public holidays are known of {code!r}{_near(code)}")
    if state and state not in states:
        raise UnknownCalendar(f"{country} has no {state!r}; it has {', '.join(states)}")


@cache
def package_version() -> str:
    from importlib.metadata import version

    return version("holidays")


@cache
def _supported() -> Mapping[str, tuple[str, ...]]:
    from holidays import list_supported_countries

    known = list_supported_countries()
    return {country: tuple(parts) for country, parts in known.items() if len(country) == 2}


@cache
def _year(code: str, year: int) -> Mapping[date, str]:
    from holidays import country_holidays

    country, _, state = code.partition("-")
    return dict(
        country_holidays(
            country, subdiv=state or None, years=year, expand=False, language=_LANGUAGE
        )
    )


def _near(code: str) -> str:
    near = get_close_matches(code.upper(), _supported(), 1, 0.5)
    return f"; did you mean {near[0]}?" if near else "; write it as US, US-CA or GB-ENG"
