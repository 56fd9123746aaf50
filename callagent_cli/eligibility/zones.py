"""Time zones by name, and those in which a phone number may be.

Called by: eligibility.whereabouts and intake.contacts. Invariant: never guesses one zone out of
several; the zone data are the packaged ones, so that every machine decides alike.
"""

import zoneinfo
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
import tzdata  # type: ignore[import-untyped]  # has no stubs
from phonenumbers import PhoneNumber
from phonenumbers.timezone import time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

_UNKNOWN = "Etc/Unknown"
_NORTH_AMERICAN_LEN = len("+12125550101")


class UnknownZone(ValueError):
    """Not the name of a place; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class NumberPlace:
    """What a phone number alone says of where it is."""

    country: str  # ISO 3166, two letters; empty: none
    zones: tuple[ZoneInfo, ...]  # sorted by name; empty when nothing is known


def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name, in any case (`America/New_York`). Raises UnknownZone.

    Offsets and abbreviations are refused: they do not say when daylight saving begins.
    """
    place = _places().get(name.lower())
    if place is None:
        raise UnknownZone(_advice(name))
    return ZoneInfo(place)


def zone_data_version() -> str:
    """The tz database's, such as 2026a."""
    return str(tzdata.IANA_VERSION)


def place_of_number(phone: str) -> NumberPlace:
    """Of an E.164 number."""
    if phone.startswith("+1") and len(phone) == _NORTH_AMERICAN_LEN and phone[5] > "1":
        return _north_american(phone[2:5]) or _place_of(phone)
    return _place_of(phone)


@cache
def _north_american(area: str) -> NumberPlace | None:
    """All numbers of an area code with a place share its zones; None: its numbers have none."""
    example = phonenumbers.parse(f"+1{area}2345678")
    if not phonenumbers.is_number_geographical(example):
        return None
    place = _place(example)
    return place if place.zones else None


@lru_cache(maxsize=4096)
def _place_of(phone: str) -> NumberPlace:
    try:
        return _place(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return NumberPlace("", ())


def _place(number: PhoneNumber) -> NumberPlace:
    country = phonenumbers.region_code_for_number(number) or ""
    try:
        zones = tuple(zone_named(name) for name in sorted(_names_for(number)))
    except UnknownZone:
        zones = ()
    return NumberPlace(country if country.isalpha() else "", zones)


def _names_for(number: PhoneNumber) -> frozenset[str]:
    """The zones of a number and of its whole area code: people keep a number when they move
    across town, and an exchange says little in the age of mobiles."""
    own = frozenset(time_zones_for_number(number)) - {_UNKNOWN}
    if not own or own >= _names_under(str(number.country_code)):
        return own  # an area code could add nothing
    length = phonenumbers.length_of_geographical_area_code(number)
    if not length:
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
