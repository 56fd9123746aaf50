"""Where a contact may be: by its own columns, else by its number.

Called by: eligibility.hours and eligibility.callback. Invariant: a column is believed before the
number, for people keep their number when they move; several zones stay several.
"""

from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.places import (
    has_states,
    state_named,
    state_of_postcode,
    zones_of_state,
)
from callagent_cli.eligibility.zones import UnknownZone, place_of_number, zone_named

STATE_COLUMNS = ("state", "province", "region")
POSTCODE_COLUMNS = ("postcode", "zip", "zip_code", "postal_code")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    country: str  # the number's; empty: none
    state: str  # of that country, such as TX; empty: unknown
    zones: tuple[ZoneInfo, ...]  # every one that is possible; empty: unknown
    source: str  # for people: what gave the zones
    zones_of_number: tuple[ZoneInfo, ...]
    not_understood: str = ""  # a column that said something else than a state


def whereabouts(contact: Contact) -> Whereabouts:
    number = place_of_number(contact.phone)
    state, column, not_understood = _state_of(contact, number.country)
    zones, source = number.zones, "phone number"
    if contact.timezone:
        zones, source = _zones((contact.timezone,)), "timezone column"
    elif state:
        zones, source = _zones(zones_of_state(number.country, state)), f"{column} column"
    return Whereabouts(number.country, state, zones, source, number.zones, not_understood)


def zones_of(contact: Contact) -> tuple[ZoneInfo, ...]:
    """Every zone the contact may be in; empty when nothing is known."""
    return whereabouts(contact).zones


def _state_of(contact: Contact, country: str) -> tuple[str, str, str]:
    """The state, the column that told it, and one that told nothing."""
    not_understood = ""
    if not contact.variables or not has_states(country):
        return "", "", ""
    for columns, read in ((STATE_COLUMNS, state_named), (POSTCODE_COLUMNS, state_of_postcode)):
        for column in columns:
            if said := contact.variables.get(column, "").strip():
                if state := read(country, said):
                    return state, column, not_understood
                not_understood = not_understood or column
    return "", "", not_understood


@lru_cache(maxsize=1024)
def _zones(names: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    """None at all when one of them is not in the data: what is left would be a guess."""
    try:
        return tuple(zone_named(name) for name in sorted(names))
    except UnknownZone:
        return ()
