"""The log: JSON Lines, one `write()` a line, rotated by size.

Invariants: a line is whole or absent; no phone number and no secret is in it; a log that cannot
be written is said once, in the closing summary, and stops nothing.
"""

import json
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path

from callagent_cli.domain.contact import mask_phone
from callagent_cli.domain.event import Event, FieldValue, Level

_RANK = {Level.DEBUG: 0, Level.INFO: 1, Level.WARNING: 2, Level.ERROR: 3}
_NUMBER = re.compile(r"\+\d{7,15}")
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class JsonlLog:
    """A Listener.

    max_bytes: the file is rotated before it grows beyond; backups: `path.1`, `path.2` … kept.
    redact: secrets that no line may hold, should one ever come near.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        backups: int,
        level: str = "info",
        redact: Sequence[str] = (),
    ) -> None:
        self._path, self._max_bytes, self._backups = path, max_bytes, backups
        self._least = _RANK[Level(level)]
        self._redact = tuple(secret for secret in redact if len(secret) >= 6)
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._inode, self._size = 0, 0
        self.problem = ""  # why lines were lost; empty when none was

    def __call__(self, event: Event) -> None:
        if _RANK[event.level] >= self._least:
            line = (json.dumps(self._entry(event), ensure_ascii=True) + "\n").encode()
            with self._lock:
                self._write(line)

    def close(self) -> None:
        with self._lock:
            self._close()

    def _entry(self, event: Event) -> dict[str, FieldValue]:
        at = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        first = {"timestamp": at, "level": event.level.value, "event": event.name.value}
        return {**first, **{name: self._safe(value) for name, value in event.fields.items()}}

    def _safe(self, value: FieldValue) -> FieldValue:
        if not isinstance(value, str):
            return value
        for secret in self._redact:
            value = value.replace(secret, "[secret]")
        return _NUMBER.sub(lambda match: mask_phone(match[0]), value)

    def _write(self, line: bytes) -> None:
        try:
            handle = self._open_for(len(line))
            if os.write(handle, line) != len(line):
                raise OSError("the disk is full")  # noqa: TRY301 - one place tells the problem
            self._size += len(line)
        except OSError as error:
            self.problem = f"the log {self._path} could not be written: {error.strerror or error}"
            self._close()

    def _open_for(self, length: int) -> int:
        if self._handle is not None and not self._is_same_file():
            self._close()  # somebody moved the log away: begin a new one
        if self._handle is None:
            self._open()
        if self._size and self._size + length > self._max_bytes:
            self._close()
            self._rotate()
            self._open()
        if self._handle is None:
            raise OSError("not open")
        return self._handle

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle = os.open(self._path, _FLAGS, 0o600)
        status = os.fstat(self._handle)
        self._inode, self._size = status.st_ino, status.st_size

    def _is_same_file(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _rotate(self) -> None:
        def numbered(n: int) -> Path:
            return self._path.with_name(f"{self._path.name}.{n}")

        if self._backups < 1:
            self._path.unlink()
            return
        for n in range(self._backups - 1, 0, -1):
            if numbered(n).exists():
                numbered(n).replace(numbered(n + 1))
        self._path.replace(numbered(1))

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
