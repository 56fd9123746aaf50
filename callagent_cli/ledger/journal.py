"""The dial journal: one fsynced line for each intent to dial, beside the ledger.

It exists to catch a ledger that is older than it should be (a restored backup, a copy without
its last pages, a folder that was emptied): whoever is in the journal and not in the ledger may
have been called already. Append-only; a torn last line is what a crash leaves and is ignored.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import line_file

_TAIL_BYTES = 4_000_000  # enough for the last fifteen thousand dials


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
        head = {"workspace": workspace}
        line_file.replace(self.path, chain([head], map(_entry, intents)))

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
        line_file.append(self.path, _entry(intent))

    def workspace(self) -> str:
        """The ledger it belongs to."""
        with self._in_words(), self.path.open("rb") as file:
            head = line_file.parse(file.readline())
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
                intent = _intent(line_file.parse(line))
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
