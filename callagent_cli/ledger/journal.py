"""The dial journal: one fsynced line for each intent to dial, beside the ledger.

It exists to catch a ledger that is older than it should be (a restored backup, a copy without
its last pages, a folder that was emptied): whoever is in the journal and not in the ledger may
have been called already. Append-only; a torn last line is what a crash leaves and is ignored.
"""

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from callagent_cli.domain.errors import LedgerError

_TAIL_BYTES = 4_000_000  # enough for the last ten thousand dials
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Intent:
    """A dial that was about to be made."""

    attempt_id: str
    campaign: str
    phone: str
    contact_id: str
    started_at: datetime  # aware UTC

    def to_json(self) -> dict[str, str]:
        return {
            "attempt_id": self.attempt_id,
            "campaign": self.campaign,
            "phone": self.phone,
            "contact_id": self.contact_id,
            "started_at": self.started_at.isoformat(),
        }


class Journal:
    """Invariant: `append` returns only when the line is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        return self.path.exists() or self.path.is_symlink()

    def create(self, workspace: str) -> None:
        """Begin an empty journal, which appears under its name only when it is whole."""
        draft = Journal(self.path.with_name(f"{self.path.name}.draft"))
        draft.path.unlink(missing_ok=True)
        draft._write({"workspace": workspace})
        draft.path.replace(self.path)

    def knows_nobody(self) -> bool:
        """Whether it holds no line but its first: nobody was ever about to be dialled."""
        with self._open() as file:
            file.readline()
            return not file.readline()

    def append(self, intent: Intent) -> None:
        self._write(intent.to_json())

    def workspace(self) -> str:
        """The ledger it belongs to."""
        with self._open() as file:
            head = _parse(file.readline())
        if head is None or not isinstance(head.get("workspace"), str):
            raise LedgerError(
                f"{self.path} is not a dial journal",
                hint="move it away and run `callagent ledger recover`",
            )
        return str(head["workspace"])

    def intents(self, *, tail_only: bool = False) -> Iterator[Intent]:
        """Read what was to be dialled; tail_only: the latest ones."""
        with self._open() as file:
            if tail_only and (size := self.path.stat().st_size) > _TAIL_BYTES:
                file.seek(size - _TAIL_BYTES)
                file.readline()
            for line in file:
                entry = _parse(line)
                if entry is not None and "attempt_id" in entry:
                    yield _intent(entry)

    def _open(self) -> BinaryIO:
        return self.path.open("rb")

    def _write(self, entry: dict[str, str]) -> None:
        body = json.dumps(entry, ensure_ascii=True, separators=(",", ":"))
        line = f"{zlib.crc32(body.encode()):08x} {body}\n".encode()
        handle = os.open(self.path, _FLAGS, 0o600)
        try:
            if not _ends_in_newline(handle):
                line = b"\n" + line  # close the line that a crash tore
            if os.write(handle, line) != len(line):
                raise OSError("short write")
            os.fsync(handle)
        finally:
            os.close(handle)


def _ends_in_newline(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"


def _parse(line: bytes) -> dict[str, object] | None:
    """The entry, or None for a line that was torn.

    A whole entry whose check is wrong is taken at its word: it then names a call that the
    ledger does not know, and refusing to go on is better than calling twice.
    """
    check, _, body = line.rstrip(b"\n").partition(b" ")
    try:
        entry = json.loads(body)
        is_sound = int(check, 16) == zlib.crc32(body)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    return entry if is_sound or "attempt_id" in entry else None


def _intent(entry: dict[str, object]) -> Intent:
    return Intent(
        attempt_id=str(entry["attempt_id"]),
        campaign=str(entry["campaign"]),
        phone=str(entry["phone"]),
        contact_id=str(entry["contact_id"]),
        started_at=datetime.fromisoformat(str(entry["started_at"])),
    )
