"""The hours that countries allow, read from `presets.yml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache, reduce
from importlib.resources import files
from operator import and_
from typing import Any

import yaml

from callagent_cli.eligibility.holiday_calendar import PublicHolidays
from callagent_cli.eligibility.opening_times import Hours
from callagent_cli.eligibility.places import home_of
from callagent_cli.eligibility.week import Week

BY_COUNTRY = "by_country"


class UnknownPreset(ValueError):
    """No preset of that name; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Rule:
    week: Week
    holidays: tuple[str, ...] = ()  # calendars


@dataclass(frozen=True, slots=True)
class Preset:
    name: str
    title: str
    countries: frozenset[str]  # whose numbers `by_country` applies it to
    rule: Rule
    states_of: str  # the country of these states; empty: it has none
    states: Mapping[str, Rule]  # what some of them add
    without_state: Rule
    source: str
    note: str
    checked: date  # the rules are as of this day

    def hours_for(self, country: str, state: str) -> Hours:
        """What holds for a person there; without a known state, what holds in every one."""
        own = self.rule
        if not self.states_of:
            added = own
        elif state and home_of(country) == self.states_of:
            added = self.states.get(state, own)
        else:
            added = self.without_state
        calendars = tuple(map(PublicHolidays, dict.fromkeys((*own.holidays, *added.holidays))))
        return Hours(f"the hours of preset {self.name}", own.week & added.week, calendars)


def preset_named(name: str) -> Preset:
    """Raises UnknownPreset."""
    known = every_preset()
    if name not in known:
        near = get_close_matches(name, known, 1, 0.4)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UnknownPreset(f"no preset is called {name!r}; {meant}")
    return known[name]


def presets_for(wanted: tuple[str, ...], country: str) -> tuple[Preset, ...]:
    """Those that hold for numbers of a country; `by_country` stands for the country's own."""
    named = [preset_named(name) for name in wanted if name != BY_COUNTRY]
    if BY_COUNTRY in wanted:
        named += [preset for preset in every_preset().values() if country in preset.countries]
    return tuple({preset.name: preset for preset in named}.values())


@cache
def every_preset() -> Mapping[str, Preset]:
    text = files(__package__).joinpath("presets.yml").read_text(encoding="utf-8")
    return {name: _preset(name, entry) for name, entry in yaml.safe_load(text).items()}


def _preset(name: str, entry: Mapping[str, Any]) -> Preset:
    states = {state: _rule(added) for state, added in entry.get("states", {}).items()}
    every_week = reduce(and_, (rule.week for rule in states.values()), _rule(entry).week)
    return Preset(
        name=name,
        title=entry["title"],
        countries=frozenset(entry.get("countries", ())),
        rule=_rule(entry),
        states_of=entry.get("states_of", ""),
        states=states,
        without_state=Rule(every_week, tuple(entry.get("holidays_without_state", ()))),
        source=entry["source"],
        note=entry.get("note", ""),
        checked=entry["checked"],
    )


def _rule(entry: Mapping[str, Any]) -> Rule:
    return Rule(Week.of(entry["hours"]), tuple(entry.get("holidays", ())))
