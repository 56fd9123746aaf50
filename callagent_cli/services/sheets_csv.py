"""The rows of the sheet in a CSV file, without Google.

Called by: campaign.delivery, as any destination.
Invariants: each row is one line; a batch is in the file as a whole or not at all; what a crash
has left of a line is taken away before the next row.
"""

import csv
import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    TransientError,
)
from callagent_cli.domain.text import formula_safe, one_line
from callagent_cli.services.sheets_rows import KEY, Cell, row_of, wrong_cell

_SERVICE = "sheets"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOENT, errno.ENOTDIR}
)
_CHUNK = 65_536


class CsvMirror:
    """A delivery.Destination, under the name of the sheet that it stands in for.

    columns: after `key`; the payload of a delivery is `{"row": {column: value}}`.
    """

    name = _SERVICE
    most_at_once = 100

    def __init__(self, path: Path, *, columns: Sequence[str]) -> None:
        self._path, self._columns, self._header = path, tuple(columns), (KEY, *columns)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Add a line for each, on the disk when this returns. See Destination for what it
        raises."""
        with self._sorting(), self._open() as file:
            size = self._begin(file) and self._mend(file, deliveries)
            owed = self._missing(deliveries)
            rows: list[Sequence[Cell]] = [row_of(delivery, self._columns) for delivery in owed]
            text = _lines(rows if size else [self._header, *rows])
            if owed:
                self._append(file, size, text.encode())

    @contextmanager
    def _open(self) -> Iterator[int]:
        """For the owner's eyes only, when it is made here."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    def _begin(self, file: int) -> int:
        """The size of a file whose header is in order: 0 when it is not yet all there. Nothing
        is done to another's file."""
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise self._refused("is not a file", "name a file of the mirror's own")
        header = _lines([self._header]).encode()
        if found.st_size < len(header) and header.startswith(os.pread(file, len(header), 0)):
            os.ftruncate(file, 0)
            return 0
        if wrong := wrong_cell(next(self._read(), ()), self._header):
            raise self._refused(
                f"has another header: {wrong}",
                "put the header back, or move the file away: a new one is begun",
            )
        return found.st_size

    def _mend(self, file: int, deliveries: Sequence[Delivery]) -> int:
        """End the last line, or take it away when it is a piece of a row that is still owed.
        Return the file's size."""
        size = os.fstat(file).st_size
        torn = _after_last_line_break(file, size)
        if not torn:
            return size
        if self._is_whole(torn, deliveries):  # an editor has saved without the last line break
            os.write(file, b"\n")
            return size + 1
        os.ftruncate(file, size - len(torn))
        return size - len(torn)

    def _is_whole(self, line: bytes, deliveries: Sequence[Delivery]) -> bool:
        try:
            cells = next(csv.reader([line.decode()], strict=True))
        except (ValueError, csv.Error):  # cut within a character, or within quotes
            return False
        owed = {formula_safe(delivery.key) for delivery in deliveries}
        return len(cells) >= len(self._header) and cells[0] not in owed

    def _missing(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Without those that an earlier try has added."""
        asked = {formula_safe(d.key) for d in deliveries if d.earlier_tries}
        if not asked:
            return list(deliveries)
        there = {row[0] for row in self._read() if row and row[0] in asked}
        return [delivery for delivery in deliveries if formula_safe(delivery.key) not in there]

    def _read(self) -> Iterator[list[str]]:
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            yield from csv.reader(text)

    def _append(self, file: int, size: int, data: bytes) -> None:
        """All of it, on the disk, or none."""
        try:
            _write(file, data)
            os.fsync(file)
        except OSError:
            try:
                os.ftruncate(file, size)
            except OSError:
                text = f"{self._shown} could be written only in part"
                raise AmbiguousError(_SERVICE, text) from None
            raise

    @contextmanager
    def _sorting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._sorted(error) from None
        except csv.Error:
            raise self._refused("is not CSV", "move it away: a new one is begun") from None

    def _sorted(self, error: OSError) -> ServiceError:
        if error.errno in _FULL:
            return TransientError(_SERVICE, f"the disk is full: {self._shown} cannot grow")
        reason = one_line(error.strerror or type(error).__name__)
        if error.errno in _FORBIDDEN:
            hint = "let callagent's user write it, or name another file"
            return self._refused(f"cannot be written ({reason})", hint)
        return TransientError(_SERVICE, f"{self._shown} cannot be written now ({reason})")

    def _refused(self, fault: str, hint: str) -> ServiceRefused:
        text = f"{self._shown} {fault}"
        return ServiceRefused(_SERVICE, text, kind=RefusalKind.CONFIG, hint=hint)

    @property
    def _shown(self) -> str:
        return one_line(str(self._path))


def _lines(rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_plain(c) for c in row] for row in rows)
    return text.getvalue()


def _plain(cell: Cell) -> Cell:
    """On one line, and no formula in the program that opens the file."""
    return formula_safe(" ".join(cell.splitlines())) if isinstance(cell, str) else cell


def _write(file: int, data: bytes) -> None:
    while data:  # a full disk takes a part, then fails
        data = data[os.write(file, data) :]


def _after_last_line_break(file: int, size: int) -> bytes:
    tail = b""
    while len(tail) < size:
        begin = max(0, size - len(tail) - _CHUNK)
        tail = os.pread(file, size - len(tail) - begin, begin) + tail
        if b"\n" in tail:
            return tail.rpartition(b"\n")[2]
    return tail
