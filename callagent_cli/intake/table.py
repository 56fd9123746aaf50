"""A table with a name, whatever holds it: rows that know their place, read as often as needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Row:
    line: int  # 1-based: the line of a text on which it begins, the row of a sheet
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """One line that is no row; the next is looked at as if nothing had been."""

    line: int
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a table was read."""

    kind: str  # `CSV`, `workbook`, `Google Sheet`
    encoding: str = ""  # of a text, a Python codec
    delimiter: str = ""  # of a text
    sheet: str = ""  # of several, the one that was taken


class Table(Protocol):
    """unit: what its places are called, `line` or `row`."""

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> Form: ...
    @property
    def unit(self) -> str: ...
    @property
    def titles(self) -> int:
        """How many rows may stand above the header: a sheet may have a title."""
        ...

    def rows(self) -> Iterator[Row | BrokenRow]:
        """From the first, empty ones too or not. Raises InputError where it cannot be read on."""
        ...

    def place(self, at: int) -> str:
        """Where the column at index `at` stands: `3`, or `C` of a sheet."""
        ...

    def column(self, at: int, spelled: str) -> str:
        """What a person calls the column at index `at`."""
        ...
