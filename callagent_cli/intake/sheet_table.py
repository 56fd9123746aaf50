"""One sheet of several, taken out once and kept as it was.

Called by: intake.formats for workbooks, and wiring for Google Sheets. Invariant: which sheet holds
the contacts is named or found by its phone column, never guessed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Protocol

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.cells import column_letters
from callagent_cli.intake.rejects import shown
from callagent_cli.intake.spool import Spool
from callagent_cli.intake.table import BrokenRow, Form, Row

TITLES = 10  # rows above the header, at most
_TELL_EVERY = 1000
_MOST_NAMED = 10

IsHeader = Callable[[Sequence[str]], bool]
Watch = Callable[[int], None]  # told how many rows have been read


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    is_hidden: bool = False


class Sheets(Protocol):
    """A workbook, or a document at Google's. kind, name: as in Form and Table."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    def sheets(self) -> Sequence[Sheet]: ...
    def rows(self, title: str) -> Iterator[Row | BrokenRow]: ...


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A Table."""

    name: str
    form: Form
    spool: Spool
    unit = "row"
    titles = TITLES

    def rows(self) -> Iterator[Row | BrokenRow]:
        with self.spool.open() as file:
            for piece in file:
                line, *told = json.loads(piece)
                yield Row(line, told[0]) if len(told) == 1 else BrokenRow(line, *told)

    def place(self, at: int) -> str:
        return column_letters(at)

    def column(self, at: int, spelled: str) -> str:
        return f"{spelled} (column {self.place(at)})"


def sheet_table(
    book: Sheets, wanted: str | None, is_header: IsHeader, watch: Watch | None = None
) -> SheetTable:
    """Take out the sheet called `wanted`, or the first that is not hidden and has a header."""
    title = _named(book, wanted) if wanted else _found(book, is_header)
    name = f"{book.name}, sheet {shown(title)}"
    rows = _watched(book.rows(title), watch)
    return SheetTable(name, Form(book.kind, sheet=title), Spool.of(name, map(_kept, rows)))


def _kept(row: Row | BrokenRow) -> bytes:
    kept = [row.cells] if isinstance(row, Row) else [row.reason, row.fix]
    return json.dumps([row.line, *kept]).encode() + b"\n"


def _watched(rows: Iterable[Row | BrokenRow], watch: Watch | None) -> Iterator[Row | BrokenRow]:
    for n, row in enumerate(rows):
        if watch and n % _TELL_EVERY == 0:
            watch(n)
        yield row


def _named(book: Sheets, wanted: str) -> str:
    titles = {sheet.title.strip().casefold(): sheet.title for sheet in book.sheets()}
    if wanted in titles.values():
        return wanted
    key = wanted.strip().casefold()
    if key in titles:
        return titles[key]
    near = get_close_matches(key, titles, n=1)
    raise InputError(
        f"{book.name} has no sheet {shown(wanted)!r}; it has: {_listed(titles.values())}",
        hint=f"did you mean {shown(titles[near[0]])!r}?"
        if near
        else "name one of them as campaign.worksheet, or none: the one with a phone column",
    )


def _found(book: Sheets, is_header: IsHeader) -> str:
    seen = [sheet.title for sheet in book.sheets() if not sheet.is_hidden]
    if not seen:
        raise InputError(f"{book.name} has no sheet that is not hidden", hint="show the sheet")
    if len(seen) == 1:
        return seen[0]  # what is wrong with it is told of its header
    for title in seen:
        if any(is_header(row.cells) for row in _head(book, title)):
            return title
    raise InputError(
        f"{book.name}: no sheet has a phone column; it has the sheets {_listed(seen)}",
        hint="name the sheet as campaign.worksheet; the header of the numbers is `phone`",
    )


def _head(book: Sheets, title: str) -> Iterator[Row]:
    rows = (row for row in book.rows(title) if isinstance(row, Row))
    return islice((row for row in rows if any(row.cells)), TITLES + 1)


def _listed(titles: Iterable[str]) -> str:
    names = [shown(title) for title in titles]
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
