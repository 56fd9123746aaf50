"""Is it a time of day, where the person is, at which they may be called?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.holiday_calendar import (
    PublicHolidays,
    calendar_of,
    package_version,
)
from callagent_cli.eligibility.opening_times import SEARCH_DAYS, Hours, OpeningTimes
from callagent_cli.eligibility.presets import BY_COUNTRY, Preset, presets_for
from callagent_cli.eligibility.verdicts import Evidence, Held
from callagent_cli.eligibility.whereabouts import Whereabouts, whereabouts
from callagent_cli.eligibility.zones import zone_data_version
from callagent_cli.ledger.records import Candidate

_REMEDY = (
    "add a `timezone` column, such as America/New_York, or for the US, Canada and Australia a"
    " `state` or `postcode` column"
)
_Kind = tuple[object, ...]  # contacts of one kind share their opening times


@dataclass(frozen=True, slots=True)
class HoursGate:
    """The config's window, the presets and the holidays: all must be open in every zone."""

    name: ClassVar[str] = "calling hours"

    window: CallingWindow | None  # None: any hour, whatever the presets say
    presets: tuple[str, ...] = ()  # names, or `by_country`
    public_holidays: tuple[str, ...] = ()  # calendars, or `by_country`
    margin_s: float = 0  # before an end, in which no dial begins
    max_zones: int = 8  # more than a continent: the number says nothing
    _known: dict[_Kind, OpeningTimes] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _words: dict[Whereabouts, Evidence] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def refuse(self, candidate: Candidate, now: datetime) -> Held | None:
        if self.window is None:
            return None
        where = whereabouts(candidate.contact)
        if not where.zones:
            return Held(None, f"time zone unknown: {_REMEDY}")
        if len(where.zones) > self.max_zones:
            return Held(None, f"the number may be in {len(where.zones)} time zones: {_REMEDY}")
        times = self._times(self.window, where)
        if times.includes(now):
            return None
        until = times.next_opening(now)
        return Held(until, times.obstacle(now) if until else _never_open(times))

    def next_opening(self, contact: Contact, after: datetime) -> datetime | None:
        """The first time from `after` on at which this gate lets the contact through; None where
        nobody can tell."""
        if self.window is None:
            return after
        times = self.times_of(contact)
        return times.next_opening(after) if 0 < len(times.zones) <= self.max_zones else None

    def times_of(self, contact: Contact) -> OpeningTimes:
        """Of a gate that has a window."""
        if self.window is None:
            raise ValueError("without a window there are no opening times")
        return self._times(self.window, whereabouts(contact))

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        where = whereabouts(candidate.contact)
        known = self._words.get(where)
        if known is None:
            known = self._words[where] = {**_place_in_words(where), **self._rules_in_words(where)}
        if self.window is None:
            return known
        return {**known, "local_times": self._times(self.window, where).local_times(now)}

    def _rules_in_words(self, where: Whereabouts) -> Evidence:
        if self.window is None:
            return {"window": None}
        presets = presets_for(self.presets, where.country)
        return {
            "tzdata": zone_data_version(),
            "window": str(self.window),
            "margin_s": self.margin_s,
            "presets": {preset.name: _preset_in_words(preset, where) for preset in presets},
            **_calendars_in_words(self._times(self.window, where).rules),
        }

    def _times(self, window: CallingWindow, where: Whereabouts) -> OpeningTimes:
        kind = (where.country, where.state, where.zones)
        known = self._known.get(kind)
        if known is None:
            rules = [window.hours(self._calendars(where))]
            rules += [
                preset.hours_for(where.country, where.state)
                for preset in presets_for(self.presets, where.country)
            ]
            known = OpeningTimes(rules, where.zones, margin_s=self.margin_s)
            self._known[kind] = known
        return known

    def _calendars(self, where: Whereabouts) -> Iterator[PublicHolidays]:
        for code in self.public_holidays:
            if code != BY_COUNTRY:
                yield PublicHolidays(code)
            elif calendar := calendar_of(where.country, where.state):
                yield calendar


def _place_in_words(where: Whereabouts) -> dict[str, object]:
    said: dict[str, object] = {
        "country": where.country,
        "zones": [zone.key for zone in where.zones],
        "zones_from": where.source,
    }
    if where.state:
        said["state"] = where.state
    if where.zones != where.zones_of_number:
        said["zones_of_number"] = [zone.key for zone in where.zones_of_number]
    if where.not_understood:
        said["not_understood"] = f"{where.not_understood} column"
    return said


def _preset_in_words(preset: Preset, where: Whereabouts) -> dict[str, str]:
    week = preset.hours_for(where.country, where.state).week
    return {"hours": str(week), "rules_as_of": preset.checked.isoformat()}


def _calendars_in_words(rules: tuple[Hours, ...]) -> dict[str, object]:
    calendars = sorted({str(calendar) for rule in rules for calendar in rule.holidays})
    if not calendars:
        return {}
    return {"holiday_calendars": calendars, "holidays_version": package_version()}


def _never_open(times: OpeningTimes) -> str:
    window, *presets = times.rules
    said = " within ".join([str(window), *(preset.name for preset in presets)])
    if len(times.zones) == 1:
        return f"{said} does not open within {SEARCH_DAYS} days"
    return f"{said} is never open in all {len(times.zones)} zones of the number at once: {_REMEDY}"
