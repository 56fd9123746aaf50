"""A name that was typed, or the nearest one that exists."""

import difflib
from collections.abc import Sequence

from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line


def known(name: str, names: Sequence[str], what: str, *, none: str) -> str:
    """The name, if it is one of `names`. what: `campaign`. none: said where there are no names."""
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, 1)
    listed = f"known: {', '.join(names)}" if names else none
    hint = f"did you mean {near[0]}?" if near else listed
    raise InputError(f"no {what} {one_line(name, 60)!r}", hint=hint)
