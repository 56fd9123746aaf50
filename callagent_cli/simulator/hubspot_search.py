"""HubSpot's search: groups of filters over objects' properties."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

Values = Callable[[str], str | None]  # a property's name → its value

_TIME = "hs_timestamp"
_WORD = re.compile(r"\w+")


class UnknownFilter(Exception):
    """A search that HubSpot refuses."""


def is_wanted(search: Mapping[str, object], values: Values) -> bool:
    """Whether one object is asked for: all filters of some group, or no filter at all. Raises
    UnknownFilter."""
    groups = search.get("filterGroups") or []
    if not isinstance(groups, list):
        raise UnknownFilter("filterGroups")
    return not groups or any(_all_hold(group, values) for group in groups)


def values_of(search: Mapping[str, object], name: str) -> Iterator[str]:
    """What a search compares a property with."""
    groups = search.get("filterGroups")
    for group in groups if isinstance(groups, list) else []:
        for one in group.get("filters", ()) if isinstance(group, dict) else ():
            if isinstance(one, dict) and one.get("propertyName") == name:
                yield str(one.get("value", ""))


def _all_hold(group: object, values: Values) -> bool:
    filters = group.get("filters") if isinstance(group, dict) else None
    if not isinstance(filters, list) or not filters:
        raise UnknownFilter("filters")
    return all(_holds(one, values) for one in filters)


def _holds(one: object, values: Values) -> bool:
    match one:
        case {"propertyName": str(name), "operator": "HAS_PROPERTY"}:
            return bool(values(name))
        case {"propertyName": str(name), "operator": "EQ", "value": str(wanted)}:
            return _plain(name, values(name)) == _plain(name, wanted)
        case {"propertyName": str(name), "operator": "NEQ", "value": str(wanted)}:
            return _plain(name, values(name)) != _plain(name, wanted)
        case {"propertyName": str(name), "operator": "IN", "values": list(wanted)}:
            return _plain(name, values(name)) in [_plain(name, str(value)) for value in wanted]
        case {"propertyName": str(name), "operator": "CONTAINS_TOKEN", "value": str(wanted)}:
            words = [word.casefold() for word in _WORD.findall(values(name) or "")]
            return all(word.casefold() in words for word in _WORD.findall(wanted))
        case _:
            raise UnknownFilter(str(one)[:80])


def _plain(name: str, value: str | None) -> str:
    """Comparable: without case; times, however they are written, as milliseconds."""
    text = (value or "").casefold()
    if name != _TIME or not text or text.isdecimal():
        return text
    try:
        return str(round(datetime.fromisoformat(text.upper()).timestamp() * 1000))
    except ValueError:
        return text
