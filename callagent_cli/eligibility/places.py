"""States and provinces, by name or by postcode; read from `places.yml`."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_HOMES = dict.fromkeys(("PR", "VI", "GU", "AS", "MP"), "US") | dict.fromkeys(
    ("CX", "CC"), "AU"
)  # they have numbers of their own
_DIGITS = {"US": 5, "AU": 4}  # spreadsheets drop a postcode's zeros


def home_of(country: str) -> str:
    """The country whose states and postcodes it shares: Puerto Rico's is the US."""
    return _HOMES.get(country, country)


def has_states(country: str) -> bool:
    return home_of(country) in _places()


def state_named(country: str, name: str) -> str:
    """The code of a state of that country, by its code or its name; empty: there is none."""
    home = home_of(country)
    return _names(home).get(_plain(name.upper().removeprefix(f"{home}-")), "")


def state_of_postcode(country: str, postcode: str) -> str:
    """The code of the state in which a postcode lies; empty: unknown."""
    home = home_of(country)
    code = postcode.partition("-")[0] if home == "US" else postcode
    code = "".join(code.split()).upper()
    digits = _DIGITS.get(home)
    if digits and (not code.isdecimal() or not 3 <= len(code) <= digits):
        return ""
    known = _beginnings(home)
    full = code.zfill(digits or 0)
    return next((known[full[:n]] for n in range(len(full), 0, -1) if full[:n] in known), "")


def zones_of_state(country: str, code: str) -> tuple[str, ...]:
    """Names of every zone that is in use there."""
    return tuple(_places()[home_of(country)][code]["zones"])


@cache
def _places() -> Mapping[str, Mapping[str, Any]]:
    text = files(__package__).joinpath("places.yml").read_text(encoding="utf-8")
    return {key: states for key, states in yaml.safe_load(text).items() if len(key) == 2}


@cache
def _names(country: str) -> Mapping[str, str]:
    states = _places().get(country, {})
    return {
        _plain(name): code
        for code, state in states.items()
        for name in (code, *state["name"].split(","))
    }


def _plain(name: str) -> str:
    """Without case, accents, stops and double spaces: `Québec` is `quebec`."""
    letters = unicodedata.normalize("NFKD", re.sub("[.,]", "", name).replace("-", " "))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


@cache
def _beginnings(country: str) -> Mapping[str, str]:
    """First characters of a postcode → state."""
    states = _places().get(country, {})
    return {
        beginning: code
        for code, state in states.items()
        for part in state["postcodes"].split(",")
        for beginning in _range(part.strip())
    }


def _range(part: str) -> Iterator[str]:
    """`350-369` and `X0A-X0C`: each of them; both ends are as long."""
    first, _, last = part.partition("-")
    if first.isdecimal():
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first))
        return
    for letter in range(ord(first[-1]), ord((last or first)[-1]) + 1):
        yield first[:-1] + chr(letter)
