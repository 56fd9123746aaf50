"""What kind of table some bytes are: told by how they begin, whatever their name.

Called by: intake.contacts, and wiring for what came from elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.header import names_phone
from callagent_cli.intake.packed import MAGIC as GZIP
from callagent_cli.intake.packed import unpacked
from callagent_cli.intake.sheet_table import Watch, sheet_table
from callagent_cli.intake.stored import Stored
from callagent_cli.intake.table import Table
from callagent_cli.intake.text_table import text_table

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # also the shell of an encrypted workbook
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CHUNK_BYTES = 1 << 20
_SAVE = "open it in a spreadsheet program and save it as .xlsx, or the sheet as CSV (UTF-8)"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person said about a table; None and empty: found by looking."""

    columns: Mapping[str, str] = field(default_factory=dict)  # our name → the table's
    encoding: str | None = None  # of a text
    delimiter: str | None = None  # of a text
    worksheet: str | None = None  # of several

    def is_header(self, cells: Sequence[str]) -> bool:
        return any(map(names_phone(self.columns), cells))


def table_of(stored: Stored, choices: Choices, watch: Watch | None = None) -> Table:
    """Raises InputError for what is no table that can be read: it says what it is instead."""
    head = _head(stored)
    if head.startswith(GZIP):
        stored = unpacked(stored)
        head = _head(stored)
    if head.startswith(_ZIP):
        return _workbook(stored, head, choices, watch)
    _refuse(stored, head)
    return text_table(
        stored,
        encoding=choices.encoding,
        delimiter=choices.delimiter,
        is_known=names_phone(choices.columns),
    )


def _head(stored: Stored) -> bytes:
    with stored.open() as file:
        return file.read(128)


def _workbook(stored: Stored, head: bytes, choices: Choices, watch: Watch | None) -> Table:
    if b"opendocument" in head:
        raise InputError(f"{stored.name} is an OpenDocument file (.ods)", hint=_SAVE)
    from callagent_cli.intake.workbook import Workbook  # takes a tenth of a second to import

    with closing(Workbook(stored)) as book:
        return sheet_table(book, choices.worksheet, choices.is_header, watch)


def _refuse(stored: Stored, head: bytes) -> None:
    if head.startswith(GZIP):
        raise InputError(f"{stored.name} is packed twice", hint="unpack it once")
    if not head.startswith(_OLD_OFFICE[:4]):
        return
    with stored.open() as file:
        if _holds(file, _ENCRYPTED):
            raise InputError(
                f"{stored.name} is protected by a password",
                hint="open it, take the password off (File, Info, Protect), and save it",
            )
    raise InputError(f"{stored.name} is an old workbook (.xls)", hint=_SAVE)


def _holds(file: BinaryIO, mark: bytes) -> bool:
    before = b""
    for piece in _pieces(file):
        if mark in before + piece:
            return True
        before = piece[-len(mark) :]
    return False


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_CHUNK_BYTES):
        yield piece
