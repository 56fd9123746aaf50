"""Stored bytes as text: their encoding found by looking.

Called by: intake.text_table. Invariant: what is not readable text from end to end is an InputError
before the first row is taken.
"""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import BinaryIO, TextIO

from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import clean
from callagent_cli.intake.stored import Stored, changed

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# how files begin that are no text
_FOREIGN_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a rich-text document"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)
_SAVE_AS_CSV = "open it in the program that made it and save the sheet as CSV (UTF-8)"
_NAME_ENCODING = "save it as CSV (UTF-8), or name its encoding as campaign.csv.encoding"


@dataclass(frozen=True, slots=True)
class TextFile:
    """Bytes that were readable text when they were looked at."""

    stored: Stored
    encoding: str  # a Python codec

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """Line ends as they are. Raises InputError when the bytes changed, also meanwhile."""
        file = self.stored.open()
        with TextIOWrapper(file, encoding=self.encoding, newline="") as text:
            try:
                yield text
            except UnicodeDecodeError as error:  # it was good text when it was looked at
                raise changed(self.stored) from error
            self.stored.check_unchanged(file)


def look_at(stored: Stored, encoding: str | None = None) -> TextFile:
    """Find the encoding, and read the bytes once to be sure of it.

    encoding: a Python codec, None to find it. Raises InputError: empty, of a foreign kind, not
    decodable, NUL characters.
    """
    with stored.open() as raw:
        head = raw.read(_HEAD_BYTES)
        _refuse_foreign(stored.name, head)
        found = _known(encoding, stored.name) if encoding else _find(stored.name, raw, head)
        _check_all(stored.name, raw, found)
        return TextFile(stored, found)


def _refuse_foreign(name: str, head: bytes) -> None:
    if not head:
        raise InputError(
            f"{name} is empty", hint="it needs a header row and one row for each contact"
        )
    start = head.lstrip().lower()
    for magic, kind in _FOREIGN_KINDS:
        if start.startswith(magic.lower()):
            raise InputError(f"{name} is {kind}, not CSV", hint=_SAVE_AS_CSV)


def _known(encoding: str, name: str) -> str:
    try:
        found = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{name}: there is no encoding {clean(encoding, 40)!r}",
            hint="campaign.csv.encoding takes utf-8, utf-16, cp1252, latin-1, …",
        ) from error
    return "utf-8-sig" if found == "utf-8" else found


def _find(name: str, raw: BinaryIO, head: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    if head[1::2].count(0) > len(head) // 8 or head[::2].count(0) > len(head) // 8:
        raise InputError(
            f"{name} is binary, or UTF-16 without a byte order mark",
            hint=_NAME_ENCODING,
        )
    return "utf-8" if _is_utf8(name, raw) else "cp1252"


def _is_utf8(name: str, raw: BinaryIO) -> bool:
    """Read to the end. Broken UTF-8 in a file that also has good UTF-8 is nobody's guess."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    raw.seek(0)
    line, is_ascii = 1, True
    while True:
        chunk = raw.read(_CHUNK_BYTES)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            if is_ascii and good.isascii():
                return False
            line += good.count(b"\n")
            raise InputError(
                f"{name} line {line}: UTF-8 text with a byte that is not UTF-8",
                hint=_NAME_ENCODING,
            ) from error
        if not chunk:
            return True
        line += chunk.count(b"\n")
        is_ascii = is_ascii and chunk.isascii()


def _check_all(name: str, raw: BinaryIO, encoding: str) -> None:
    """Decode to the end: every character is one of the encoding, and none is NUL."""
    decoder = codecs.getincrementaldecoder(encoding)()
    raw.seek(0)
    line = 1
    while True:
        chunk = raw.read(_CHUNK_BYTES)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise InputError(
                f"{name} line {line}: not {encoding} text", hint=_NAME_ENCODING
            ) from error
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise InputError(
                f"{name} line {line}: a NUL character, so the file is damaged or binary",
                hint="export it again as CSV (UTF-8)",
            )
        if not chunk:
            return
        line += text.count("\n")
