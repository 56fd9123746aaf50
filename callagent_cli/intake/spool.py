"""What came from elsewhere, kept in a file without a name: read once, it stays as it was for the
plan and for the run.

Invariant: nobody else can open it, and it is gone with the process, whatever ends that.
"""

import io
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from callagent_cli.domain.errors import InputError

_ROOM = "make room there, or set TMPDIR to a folder that has some"


class Spool:
    """A Stored. Write it to its end, then read it as often as needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        with self._storing():
            self._file, path = tempfile.mkstemp(prefix="callagent-")  # for the owner only
            os.unlink(path)  # noqa: PTH108 - mkstemp's word for it is a str
        weakref.finalize(self, os.close, self._file)

    @classmethod
    def of(cls, name: str, pieces: Iterable[bytes]) -> "Spool":
        """Raises InputError when there is no room, and whatever `pieces` raises."""
        spool = cls(name)
        with open(os.dup(spool._file), "wb") as file:  # noqa: PTH123 - it has no path
            for piece in pieces:
                with spool._storing():
                    file.write(piece)
            with spool._storing():
                file.flush()
        return spool

    @property
    def name(self) -> str:
        return self._name

    def fileno(self) -> int:
        return self._file

    def open(self) -> BinaryIO:
        return io.BufferedReader(_Place(self))

    def check_unchanged(self, file: BinaryIO) -> None:
        """Nobody can change it."""

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._name} cannot be kept in {tempfile.gettempdir()}: {error.strerror}",
                hint=_ROOM,
            ) from error


class _Place(io.RawIOBase):
    """One reader's own place in a spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self._at = spool, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._spool.fileno()).st_size
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer
        read = os.preadv(self._spool.fileno(), [buffer], self._at)
        self._at += read
        return read
