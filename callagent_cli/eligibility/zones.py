"""Which time zones a contact may be in.

Called by: eligibility.decision and intake.contacts. Invariant: never guesses one zone out of
several; the zone data are the packaged ones, so that every machine decides alike.
"""

import zoneinfo
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from callagent_cli.domain.contact import Contact

_UNKNOWN = "Etc/Unknown"


class UnknownZone(ValueError):
    """Not the name of a place; the message says what to write instead."""


def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name, in any case (`America/New_York`). Raises UnknownZone.

    Offsets and abbreviations are refused: they do not say when daylight saving begins.
    """
    place = _places().get(name.lower())
    if place is None:
        raise UnknownZone(_advice(name))
    return ZoneInfo(place)


def zones_of(contact: Contact) -> tuple[ZoneInfo, ...]:
    """Every zone the contact may be in: the file's word, else what the number allows.

    Sorted by name; empty when nothing is known.
    """
    try:
        if contact.timezone:
            return (zone_named(contact.timezone),)
        return tuple(zone_named(name) for name in sorted(_names_for(contact.phone)))
    except UnknownZone:
        return ()


def _names_for(phone: str) -> frozenset[str]:
    """The zones of a number and of its whole area code: people keep a number when they move
    across town, and an exchange says little in the age of mobiles."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return frozenset()
    own = frozenset(time_zones_for_number(number)) - {_UNKNOWN}
    length = phonenumbers.length_of_geographical_area_code(number)
    if not own or not length:
        return own
    area = phonenumbers.national_significant_number(number)[:length]
    return own | _names_under(f"{number.country_code}{area}")


@cache
def _names_under(prefix: str) -> frozenset[str]:
    """Source: phonenumbers' map of prefixes; its public functions read only the longest match."""
    return frozenset(
        name
        for known, names in TIMEZONE_DATA.items()
        if known.startswith(prefix)
        for name in names
        if name != _UNKNOWN
    )


@cache
def _places() -> dict[str, str]:
    """Lower-case name → name, of every zone that names a place."""
    zoneinfo.reset_tzpath(to=())  # the tzdata package only, never this machine's
    ZoneInfo.clear_cache()
    names = zoneinfo.available_timezones()
    return {name.lower(): name for name in names if "/" in name and not name.startswith("Etc/")}


def _advice(name: str) -> str:
    towns = {place.rpartition("/")[2]: place for place in _places()}
    spoken = name.lower().replace(" ", "_").rpartition("/")[2]
    is_abbreviation = len(name) <= 4
    near = [] if is_abbreviation else get_close_matches(spoken, towns, n=1, cutoff=0.75)
    if near:
        return f"write {_places()[towns[near[0]]]}"
    return "write an area and a town, such as America/New_York; no offset, no abbreviation"
