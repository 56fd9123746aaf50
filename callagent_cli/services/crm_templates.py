"""Texts and JSON bodies of config.yml with `{names}` in them, filled with values."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from callagent_cli.domain.errors import ConfigError
from callagent_cli.domain.text import clean
from callagent_cli.services.crm_values import as_text

# anything else in braces is text as it stands
_PLACE = re.compile(r"\{([a-z_]+(?:\.[^{}]+)?)\}")

ValueOf = Callable[[str], object]


def names_in(template: object) -> Iterator[str]:
    """Every name that the texts within a template want filled in."""
    match template:
        case str():
            yield from _PLACE.findall(template)
        case Mapping():
            for part in template.values():
                yield from names_in(part)
        case list() | tuple():
            for part in template:
                yield from names_in(part)


def filled_text(template: str, text_of: Callable[[str], str]) -> str:
    return _PLACE.sub(lambda place: text_of(place[1]), template)


def filled(template: object, value_of: ValueOf) -> object:
    """The JSON of a template. A text that is one name and nothing else becomes the value
    itself: a number stays a number, and what there is not is null."""
    match template:
        case str():
            whole = _PLACE.fullmatch(template)
            if whole:
                return value_of(whole[1])
            return filled_text(template, lambda name: as_text(value_of(name)))
        case Mapping():
            return {str(key): filled(part, value_of) for key, part in template.items()}
        case list() | tuple():
            return [filled(part, value_of) for part in template]
        case _:
            return template


def require_known(names: Collection[str], known: Collection[str], where: str) -> None:
    """Raises ConfigError for a name that cannot be filled in, and when there is none at all."""
    hint = f"use {', '.join(f'{{{one}}}' for one in known)}"
    if not names:
        raise ConfigError(f"{where}: it is the same for everybody", hint=hint)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{where}: nothing is known by the name {{{clean(name, 60)}}}", hint=hint
            )
