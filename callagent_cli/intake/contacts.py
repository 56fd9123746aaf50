"""A table becomes contacts and rejected rows, one at a time.

Called by: the commands, through wiring. Invariant: every row is accounted for as a contact, a
rejected row, a duplicate or an empty row; memory grows by some 24 bytes a row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callagent_cli.domain.contact import Contact, DuplicateRow, RejectedRow
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.formats import Choices, table_of
from callagent_cli.intake.header import Header, read_header
from callagent_cli.intake.phone import is_region
from callagent_cli.intake.reading import Reading
from callagent_cli.intake.rejects import shown
from callagent_cli.intake.stored import StoredFile
from callagent_cli.intake.table import BrokenRow, Row, Table


@dataclass(slots=True)
class IntakeCounts:
    """Rows of one reading; final when the iteration is over."""

    contacts: int = 0
    rejected: int = 0
    duplicates: int = 0
    empty: int = 0


@dataclass(slots=True)
class ContactsFile:
    """A table whose header was understood. Iterate for its rows, as often as needed."""

    table: Table
    header: Header
    header_line: int
    region: str
    counts: IntakeCounts = field(default_factory=IntakeCounts)

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of everything the agent may be told."""
        return self.header.columns

    def __iter__(self) -> Iterator[Contact | RejectedRow]:
        """Raises InputError when the table cannot be read on, or changed meanwhile."""
        self.counts = counts = IntakeCounts()
        reading = Reading(self.table, self.header, self.region)
        for row in self.table.rows():
            if row.line <= self.header_line:
                continue
            match reading.take(row):
                case None:
                    counts.empty += 1
                    continue
                case DuplicateRow() as taken:
                    counts.duplicates += 1
                case RejectedRow() as taken:
                    counts.rejected += 1
                case taken:
                    counts.contacts += 1
            yield taken


def read_contacts(
    path: Path,
    *,
    default_region: str,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    worksheet: str | None = None,
) -> ContactsFile:
    """Look at a contacts file and understand its header; its rows are read by iterating.

    default_region: ISO 3166 code for numbers without a country code; columns: our name → the
    file's; encoding, delimiter, worksheet: found by looking when None. Raises InputError for a
    file that cannot be read at all: it says where, and what to do.
    """
    choices = Choices(columns or {}, encoding, delimiter, worksheet)
    return contacts_in(table_of(StoredFile.find(path), choices), choices, default_region)


def contacts_in(table: Table, choices: Choices, default_region: str) -> ContactsFile:
    """As `read_contacts`, of any table."""
    if not is_region(default_region):
        raise InputError(
            f"campaign.default_region: there is no region {shown(default_region, 20)!r}",
            hint="two letters, such as US, GB, DE",
        )
    head, has_rows = _head(table, choices)
    where = f"{table.name} {table.unit} {head.line}"
    header = read_header(head.cells, choices.columns, where=where, place=table.place)
    if not has_rows:
        raise InputError(
            f"{table.name} has a header and no rows", hint="add one row for each contact"
        )
    return ContactsFile(table, header, head.line, default_region)


def _head(table: Table, choices: Choices) -> tuple[Row, bool]:
    """The header, and whether a row that is not empty follows it.

    It is the first row, or where titles may stand above it the first that names a phone column.
    """
    seen: list[Row] = []
    is_found = False
    for row in table.rows():
        if isinstance(row, BrokenRow):
            if not seen:
                raise InputError(
                    f"{table.name} {table.unit} {row.line}: {row.reason}", hint=row.fix
                )
            return seen[-1 if is_found else 0], True
        if not any(cell.strip() for cell in row.cells):
            continue
        if is_found:
            return seen[-1], True
        seen.append(row)
        is_found = choices.is_header(row.cells)
        if not is_found and len(seen) > table.titles:
            break
    if not seen:
        raise InputError(
            f"{table.name} has nothing but empty {table.unit}s",
            hint="it needs a header row and one row for each contact",
        )
    return (seen[-1], False) if is_found else (seen[0], True)
