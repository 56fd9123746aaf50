"""The log: JSON Lines, one object a line, one write() a line.

Called by: the emitter, one event at a time. Never raises: a log that cannot be written costs its
lines, never a call, and `problem` tells the closing summary.
"""

import errno
import fcntl
import json
import math
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from callagent_cli.domain.contact import mask_phone, mask_phones
from callagent_cli.domain.event import Event, FieldValue, Level

_LEVELS = tuple(Level)  # in rising order
_FIRST = ("run_id", "campaign", "contact_id", "attempt_id", "attempt_no", "phone", "service")
_MAX_CHARS = 2_000  # of one field
_MIN_SECRET = 6  # shorter ones would blot out words
_FLAGS = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    # a pipe that nobody reads is a problem to tell of, not a reason to hang
    | os.O_NONBLOCK
)  # fmt: skip


def rfc3339(at: datetime) -> str:
    """at: aware UTC. As `2026-11-23T15:00:36.125Z`."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonlLog:
    """A Listener that appends to `path`, 0600.

    max_bytes: a line that would make the file longer begins a new one. backups: how many old
    files are kept, as `path.1` (the latest), `path.2` …; 0 keeps none.
    redact: secrets that must not stand in any line.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 5_000_000,
        backups: int = 3,
        level: Level = Level.INFO,
        redact: Sequence[str] = (),
    ) -> None:
        self._path, self._max_bytes, self._backups = path, max_bytes, backups
        self._levels = frozenset(_LEVELS[_LEVELS.index(level) :])
        secrets = (secret for secret in redact if len(secret) >= _MIN_SECRET)
        self._secrets = tuple(sorted(secrets, key=len, reverse=True))
        self._fd: int | None = None
        self._is_torn = False  # the file ends within a line
        self._lost, self._why = 0, ""

    def __call__(self, event: Event) -> None:
        if event.level not in self._levels:
            return
        line = self._line(event)
        try:
            self._append(line)
        except OSError as error:
            self._lost += 1
            self._why = os.strerror(error.errno) if error.errno else str(error)
            self.close()

    @property
    def problem(self) -> str:
        """What went wrong, for the closing summary; empty when nothing did."""
        if not self._lost:
            return ""
        lines = "1 line is" if self._lost == 1 else f"{self._lost} lines are"
        return f"the log {self._path} could not be written ({self._why}): {lines} missing"

    def close(self) -> None:
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
            self._fd = None

    def _line(self, event: Event) -> bytes:
        """ASCII, so that no control, bidi or line separator survives unescaped."""
        record: dict[str, FieldValue] = {
            "timestamp": rfc3339(event.at),
            "level": event.level.value,
            "event": event.name.value,
        }
        for name in _in_order(event.fields):
            value = self._safe(name, event.fields[name])
            if value is not None:
                record[name] = value
        return json.dumps(record, ensure_ascii=True).encode("ascii") + b"\n"

    def _safe(self, name: str, value: FieldValue) -> FieldValue:
        match value:
            case str() if name == "phone":
                return value if "*" in value else mask_phone(value)
            case str():
                for secret in self._secrets:
                    value = value.replace(secret, "[secret]")
                return mask_phones(value)[:_MAX_CHARS]
            case float() if not math.isfinite(value):
                return None  # JSON has no word for it
            case _:
                return value

    def _append(self, line: bytes) -> None:
        fd = self._current()
        size = os.fstat(fd)
        if self._max_bytes and size.st_size and size.st_size + len(line) > self._max_bytes:
            fd = self._rotate(fd) if stat.S_ISREG(size.st_mode) else fd
        if self._is_torn:
            line = b"\n" + line  # only the line that was cut is lost
        written = os.write(fd, line)
        self._is_torn = written < len(line)
        if self._is_torn:
            raise OSError(errno.ENOSPC, "the line was cut")  # a short write is a full disk

    def _current(self) -> int:
        """The open file, opened anew when another one stands at its path (logrotate)."""
        if self._fd is not None and not self._is_at_path(self._fd):
            self.close()
        if self._fd is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self._path, _FLAGS, 0o600)
            self._is_torn = _ends_within_a_line(self._fd)
        return self._fd

    def _is_at_path(self, fd: int) -> bool:
        try:
            there, open_ = self._path.stat(), os.fstat(fd)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (open_.st_dev, open_.st_ino)

    def _rotate(self, fd: int) -> int:
        """Move the files on by one and begin a new one; only one process does it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return fd  # another process is at it; this line may still go into the old file
        if self._is_at_path(fd):
            self._shift()
        self.close()
        return self._current()

    def _shift(self) -> None:
        if not self._backups:
            self._path.unlink()
            return
        for number in range(self._backups - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._backup(number).rename(self._backup(number + 1))
        self._path.rename(self._backup(1))

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _in_order(names: Iterable[str]) -> list[str]:
    """The identifying fields first, the others as they were given."""
    given = list(names)
    return [n for n in _FIRST if n in given] + [n for n in given if n not in _FIRST]


def _ends_within_a_line(fd: int) -> bool:
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode) or not about.st_size:
        return False
    return os.pread(fd, 1, about.st_size - 1) != b"\n"
