"""A page of the reference: what it says, whatever it is shown on."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    topic: str  # as in `callagent help TOPIC`
    title: str
    about: str  # a sentence or two
    tables: Sequence[Table]
