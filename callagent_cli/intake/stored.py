"""Bytes that lie still: a file that a person named, found and known again.

Invariant: a file that changes between two readings, or during one, is an InputError.
"""

import os
import stat
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Protocol

from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import clean

_TABLES = (".csv", ".tsv", ".xlsx", ".gz")


class Stored(Protocol):
    """Bytes that can be read more than once, each reader at its own place."""

    @property
    def name(self) -> str:
        """For messages: clean, and not endless."""
        ...

    def open(self) -> BinaryIO: ...
    def check_unchanged(self, file: BinaryIO) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A regular file that could be opened."""

    path: Path
    _identity: tuple[int, ...]  # changes when the file is edited or replaced

    @classmethod
    def find(cls, path: Path) -> "StoredFile":
        """Raises InputError: no such file, a folder, a pipe, not readable."""
        try:
            _check_regular(path, path.stat().st_mode)  # opening a pipe would wait for a writer
            with path.open("rb") as file:
                return cls(path, _identity_of(file))
        except OSError as error:
            raise _unreadable(path, error) from error

    @property
    def name(self) -> str:
        return _shown(self.path)

    def open(self) -> BinaryIO:
        """Raises InputError when the file changed since it was found."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if _identity_of(file) != self._identity:
            file.close()
            raise changed(self)
        return file

    def check_unchanged(self, file: BinaryIO) -> None:
        """Raise InputError when the file was edited while `file` was being read."""
        if _identity_of(file) != self._identity:
            raise changed(self)


def changed(stored: Stored) -> InputError:
    return InputError(
        f"{stored.name} was changed while it was being read",
        hint="run the same command again: nobody is called twice",
    )


def _shown(path: Path) -> str:
    return clean(str(path), 200)


def _identity_of(file: BinaryIO) -> tuple[int, ...]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(
            f"{_shown(path)} is not a regular file",
            hint="save it to a file first, or pipe it in and name it -",
        )


def _unreadable(path: Path, error: OSError) -> InputError:
    match error:
        case FileNotFoundError():
            return InputError(f"{_shown(path)} does not exist", hint=_nearest(path))
        case IsADirectoryError():
            return InputError(
                f"{_shown(path)} is a folder", hint=f"name a file in it{_tables_in(path)}"
            )
        case _:
            why = (error.strerror or type(error).__name__).lower()
            return InputError(
                f"{_shown(path)} cannot be read: {why}",
                hint="check the file's name, owner and permissions",
            )


def _nearest(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {_shown(folder)}"
    names = {file.name.lower(): file.name for file in folder.iterdir() if file.is_file()}
    near = get_close_matches(path.name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {clean(names[near[0]], 100)}?"
    return f"look in {_shown(folder)}{_tables_in(folder)}"


def _tables_in(folder: Path) -> str:
    try:
        names = sorted(f.name for f in folder.iterdir() if f.suffix.lower() in _TABLES)
    except OSError:
        return ""
    return f", such as {clean(names[0], 100)}" if names else ""
