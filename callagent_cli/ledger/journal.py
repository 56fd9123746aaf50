"""The dial journal: one fsynced line for each intent to dial, beside the ledger.

It exists to catch a ledger that is older than it should be (a restored backup, a copy without
its last pages, a folder that was emptied): whoever is in the journal and not in the ledger may
have been called already. Append-only; a torn last line is what a crash leaves and is ignored.
"""

import errno
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.folder import sync_folder

_TAIL_BYTES = 4_000_000  # enough for the last fifteen thousand dials
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW  # a missing journal is an error


@dataclass(frozen=True, slots=True)
class Intent:
    """A dial that was about to be made."""

    attempt_id: str
    campaign: str
    phone: str
    contact_id: str
    started_at: datetime  # aware UTC
    generation: int = 0  # of the ledger, with this intent; 0 in lines of schema 1


class Journal:
    """Invariant: `append` returns only when the line is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        return self.path.exists() or self.path.is_symlink()

    def create(self, workspace: str, intents: Iterable[Intent] = ()) -> None:
        """Make or replace the journal: it appears under its name only when it is whole."""
        draft = self.path.with_name(f"{self.path.name}.draft")
        draft.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(_line({"workspace": workspace}))
            file.writelines(_line(_entry(intent)) for intent in intents)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        sync_folder(self.path.parent)

    def mentions(self, text: str) -> bool:
        """In a line that was torn, too."""
        with self._in_words(), self.path.open("rb") as file:
            return any(text.encode() in line for line in file)

    def knows_nobody(self) -> bool:
        """Whether it holds no line but its first: nobody was ever about to be dialled."""
        with self._in_words(), self.path.open("rb") as file:
            file.readline()
            return not file.readline()

    def append(self, intent: Intent) -> None:
        line = _line(_entry(intent))
        handle = os.open(self.path, _APPEND)
        try:
            if not _ends_in_newline(handle):
                line = b"\n" + line  # close the line that a crash tore
            if os.write(handle, line) != len(line):
                raise OSError(errno.ENOSPC, "the line was cut short")
            os.fsync(handle)
        finally:
            os.close(handle)

    def workspace(self) -> str:
        """The ledger it belongs to."""
        with self._in_words(), self.path.open("rb") as file:
            head = _parse(file.readline())
        if head is None or not isinstance(head.get("workspace"), str):
            raise LedgerError(
                f"{self.path} is not a dial journal",
                hint="put the right one back, or move it away and run `callagent ledger recover`",
            )
        return str(head["workspace"])

    def intents(self, *, tail_only: bool = False) -> Iterator[Intent]:
        """Read what was to be dialled; tail_only: the latest ones."""
        with self._in_words(), self.path.open("rb") as file:
            if tail_only and (size := self.path.stat().st_size) > _TAIL_BYTES:
                file.seek(size - _TAIL_BYTES)
                file.readline()
            for line in file:
                intent = _intent(_parse(line))
                if intent is not None:
                    yield intent

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError) as error:
            why = error.strerror if isinstance(error, OSError) else "a line makes no sense"
            raise LedgerError(
                f"the dial journal {self.path} cannot be read: {why}",
                hint="put it back as it was, or run `callagent ledger recover`",
            ) from None


def _entry(intent: Intent) -> dict[str, object]:
    return {**asdict(intent), "started_at": intent.started_at.isoformat()}


def _line(entry: dict[str, object]) -> bytes:
    body = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode()
    return f"{zlib.crc32(body):08x} ".encode() + body + b"\n"


def _ends_in_newline(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"


def _parse(line: bytes) -> dict[str, object] | None:
    """The entry, or None for a line that was torn: cut short, so no JSON.

    A whole entry whose check is wrong is taken at its word: it then names a call that the
    ledger does not know, and refusing to go on is better than calling twice.
    """
    check, _, body = line.rstrip(b"\n").partition(b" ")
    try:
        is_sound = int(check, 16) == zlib.crc32(body)
        entry = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    return entry if is_sound or "attempt_id" in entry else None


def _intent(entry: dict[str, object] | None) -> Intent | None:
    if entry is None or "attempt_id" not in entry:
        return None
    return Intent(
        attempt_id=str(entry["attempt_id"]),
        campaign=str(entry.get("campaign", "recovered")),
        phone=str(entry.get("phone", "")),
        contact_id=str(entry.get("contact_id", "")),
        started_at=datetime.fromisoformat(str(entry["started_at"])),
        generation=int(str(entry.get("generation", 0))),
    )
