"""The log's lines, read: the older files too, from either end, and as they are written.

In constant memory, whatever the log's size. A line without its end is still being written, or was
cut by a kill; the next one begins on a line of its own.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Self

_BLOCK = 1 << 16
_LONGEST = 1 << 20  # of a line; what is longer is no line of ours


class LogFiles:
    """All files of one log, opened at once: a rotation meanwhile loses and doubles nothing."""

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        self.files: Sequence[IO[bytes]] = self._open(path)  # the latest first
        self._sizes = {file.fileno(): os.fstat(file.fileno()).st_size for file in self.files}

    def _open(self, path: Path) -> list[IO[bytes]]:
        files: list[IO[bytes]] = []
        seen = set()
        for each in (path, *older_files(path)):
            with suppress(FileNotFoundError):
                file = self._stack.enter_context(each.open("rb"))
                about = os.fstat(file.fileno())
                if (about.st_dev, about.st_ino) not in seen:
                    seen.add((about.st_dev, about.st_ino))
                    files.append(file)
        return files

    def forwards(self) -> Iterator[bytes]:
        for file in reversed(self.files):
            file.seek(0)
            yield from _lines(file, self._sizes[file.fileno()])

    def backwards(self) -> Iterator[bytes]:
        for file in self.files:
            yield from _lines_backwards(file, self._sizes[file.fileno()])

    def latest(self) -> tuple[IO[bytes] | None, int]:
        """The latest file and how much of it has been read."""
        file = self.files[0] if self.files else None
        return file, self._sizes[file.fileno()] if file else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Follower:
    """What is written from now on, into this file and those that follow it."""

    def __init__(self, path: Path, read: LogFiles) -> None:
        """From where `read` has ended: nothing is lost between, or seen twice. Closes its file."""
        self._path = path
        self._file, size = read.latest()
        self._rest = b""
        if self._file is not None:
            self._file.seek(size)

    def new_lines(self) -> Iterator[bytes]:
        """Those that have been ended since the last look."""
        yield from self._read()
        for file in self._begun_since():
            if self._file is not None:
                yield from self._read()  # written between the two looks
                self._file.close()
            self._file, self._rest = file, b""
            yield from self._read()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> Iterator[bytes]:
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)  # emptied in place
            self._rest = b""
        while piece := self._file.read(_BLOCK):
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self._rest = self._rest[-_LONGEST:]
            yield from lines

    def _begun_since(self) -> list[IO[bytes]]:
        """The files that are younger than ours, the oldest first."""
        younger: list[IO[bytes]] = []
        for path in (self._path, *older_files(self._path)):
            with suppress(FileNotFoundError):
                file = path.open("rb")
                if self._is_ours(file):
                    file.close()
                    break
                younger.insert(0, file)
        return younger

    def _is_ours(self, file: IO[bytes]) -> bool:
        if self._file is None:
            return False
        return os.path.sameopenfile(file.fileno(), self._file.fileno())


def older_files(path: Path) -> list[Path]:
    """`app.log.1`, `app.log.2` …: the latest first."""
    numbered = {
        int(number): each
        for each in path.parent.glob(f"{path.name}.*")
        if (number := each.name[len(path.name) + 1 :]).isdecimal()
    }
    return [numbered[number] for number in sorted(numbered)]


def _lines(file: IO[bytes], size: int) -> Iterator[bytes]:
    """size: what is written meanwhile is the follower's."""
    while (left := size - file.tell()) > 0:
        yield file.readline(min(left, _LONGEST)).rstrip(b"\n")


def _lines_backwards(file: IO[bytes], size: int) -> Iterator[bytes]:
    rest, at, is_last = b"", size, True
    while at > 0:
        begin = max(0, at - _BLOCK)
        file.seek(begin)
        first, *lines = (file.read(at - begin) + rest).split(b"\n")
        if is_last and lines and not lines[-1]:
            lines.pop()  # after the last line's end
        is_last = False
        yield from reversed(lines)
        rest, at = first[:_LONGEST], begin
    if size:
        yield rest
