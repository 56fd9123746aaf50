"""The contacts file as text: found, opened, its encoding found by looking.

Called by: intake.contacts. Invariant: what is not readable text from end to end is an InputError
before the first row is taken; a file that changes between two readings is one too.
"""

import codecs
import io
import os
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TextIO

from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import clean

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# how files begin that are no text
_FOREIGN_KINDS = (
    (b"PK\x03\x04", "a workbook or archive (.xlsx, .ods, .zip)"),
    (b"\xd0\xcf\x11\xe0", "an old workbook (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
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
class ContactsText:
    """A file that was readable text when it was looked at."""

    path: Path
    encoding: str  # a Python codec
    identity: tuple[int, ...]  # changes when the file is edited or replaced

    def open(self) -> TextIO:
        """Open for reading, line ends as they are. Raises InputError when the file changed."""
        try:
            text = self.path.open(encoding=self.encoding, newline="")
        except OSError as error:
            raise unreadable(self.path, error) from error
        if _identity(os.fstat(text.fileno())) != self.identity:
            text.close()
            raise changed(self.path)
        return text

    def check_unchanged(self, text: TextIO) -> None:
        """Raise InputError when the file was edited while `text` was being read."""
        if _identity(os.fstat(text.fileno())) != self.identity:
            raise changed(self.path)


def look_at(path: Path, encoding: str | None = None) -> ContactsText:
    """Find the file and its encoding, and read it once to be sure of it.

    encoding: a Python codec, None to find it. Raises InputError: no such file, a directory,
    empty, a workbook or another foreign kind, not decodable, NUL characters.
    """
    try:
        _check_regular(path, path.stat().st_mode)  # opening a pipe would wait for a writer
        with path.open("rb") as raw:
            status = os.fstat(raw.fileno())
            head = raw.read(_HEAD_BYTES)
            _refuse_foreign(path, head)
            found = _known(encoding, path) if encoding else _find_encoding(path, raw, head)
            _check_all(path, raw, found)
            return ContactsText(path, found, _identity(status))
    except OSError as error:
        raise unreadable(path, error) from error


def name_of(path: Path) -> str:
    return clean(str(path), 200)


def changed(path: Path) -> InputError:
    return InputError(
        f"{name_of(path)} was changed while it was being read",
        hint="run the same command again: nobody is called twice",
    )


def unreadable(path: Path, error: OSError) -> InputError:
    match error:
        case FileNotFoundError():
            return InputError(f"{name_of(path)} does not exist", hint=_nearest(path))
        case IsADirectoryError():
            return InputError(
                f"{name_of(path)} is a folder", hint=f"name a file in it{_csv_files_in(path)}"
            )
        case _:
            why = (error.strerror or type(error).__name__).lower()
            return InputError(
                f"{name_of(path)} cannot be read: {why}",
                hint="check the file's name, owner and permissions",
            )


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(f"{name_of(path)} is not a regular file", hint="save it to a file first")


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _nearest(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {name_of(folder)}"
    names = {file.name.lower(): file.name for file in folder.iterdir() if file.is_file()}
    near = get_close_matches(path.name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {clean(names[near[0]], 100)}?"
    return f"look in {name_of(folder)}{_csv_files_in(folder)}"


def _csv_files_in(folder: Path) -> str:
    try:
        names = sorted(file.name for file in folder.iterdir() if file.suffix.lower() == ".csv")
    except OSError:
        return ""
    return f", such as {clean(names[0], 100)}" if names else ""


def _refuse_foreign(path: Path, head: bytes) -> None:
    if not head:
        raise InputError(
            f"{name_of(path)} is empty", hint="it needs a header row and one row for each contact"
        )
    start = head.lstrip().lower()
    for magic, kind in _FOREIGN_KINDS:
        if start.startswith(magic.lower()):
            raise InputError(f"{name_of(path)} is {kind}, not CSV", hint=_SAVE_AS_CSV)


def _known(encoding: str, path: Path) -> str:
    try:
        found = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{name_of(path)}: there is no encoding {clean(encoding, 40)!r}",
            hint="campaign.csv.encoding takes utf-8, utf-16, cp1252, latin-1, …",
        ) from error
    return "utf-8-sig" if found == "utf-8" else found


def _find_encoding(path: Path, raw: io.BufferedReader, head: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    if head[1::2].count(0) > len(head) // 8 or head[::2].count(0) > len(head) // 8:
        raise InputError(
            f"{name_of(path)} is binary, or UTF-16 without a byte order mark",
            hint=_NAME_ENCODING,
        )
    return "utf-8" if _is_utf8(path, raw) else "cp1252"


def _is_utf8(path: Path, raw: io.BufferedReader) -> bool:
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
                f"{name_of(path)} line {line}: UTF-8 text with a byte that is not UTF-8",
                hint=_NAME_ENCODING,
            ) from error
        if not chunk:
            return True
        line += chunk.count(b"\n")
        is_ascii = is_ascii and chunk.isascii()


def _check_all(path: Path, raw: io.BufferedReader, encoding: str) -> None:
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
                f"{name_of(path)} line {line}: not {encoding} text", hint=_NAME_ENCODING
            ) from error
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise InputError(
                f"{name_of(path)} line {line}: a NUL character, so the file is damaged or binary",
                hint="export it again as CSV (UTF-8)",
            )
        if not chunk:
            return
        line += text.count("\n")
