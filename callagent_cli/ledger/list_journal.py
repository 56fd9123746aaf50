"""The do-not-call list's own journal, beside the ledger: one fsynced line for each number that was
added or taken off by hand, in a call, or by a person's wish to be forgotten.

It exists for a ledger that is lost or was restored from a backup: who had asked not to be called
must not be called because of it. Hashes only; imported lists are imported again. Whoever opens the
ledger next makes the two agree.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import line_file


@dataclass(frozen=True, slots=True)
class ListChange:
    no: int  # grows with each change of the list
    phone_hash: str
    source: str = ""  # empty: taken off, for every source
    at: str = ""  # as the ledger stamps times


class ListJournal:
    def __init__(self, ledger: Path) -> None:
        """ledger: the file that it stands beside."""
        self.path = ledger.with_suffix(".list")

    def salt(self) -> str | None:
        """Of its hashes; None: there is no such journal."""
        if not self.path.exists():
            return None
        salt = next(self._read(), {}).get("salt")
        if not isinstance(salt, str):
            raise LedgerError(
                f"{self.path} is not a journal of the do-not-call list",
                hint="put the right one back, or move it away and import the list again",
            )
        return salt

    def changes(self) -> list[ListChange]:
        told = self._read()
        next(told, None)  # the salt
        try:
            return [ListChange(**entry) for entry in told]  # type: ignore[arg-type]  # as written
        except TypeError:
            raise LedgerError(
                f"{self.path} cannot be read: a line makes no sense",
                hint="put it back as it was, or move it away and import the list again",
            ) from None

    def create(self, salt: str, changes: Iterable[ListChange]) -> None:
        """Make or replace it."""
        head: list[line_file.Entry] = [{"salt": salt}]
        line_file.replace(self.path, [*head, *map(asdict, changes)])

    def append(self, change: ListChange) -> None:
        """A line that cannot be written is made good when the ledger is opened next."""
        with suppress(OSError):
            line_file.append(self.path, asdict(change))

    def _read(self) -> Iterator[dict[str, object]]:
        try:
            yield from line_file.entries(self.path)
        except OSError as error:
            raise LedgerError(
                f"{self.path} cannot be read: {error.strerror}",
                hint="it tells who must not be called: mend its rights",
            ) from None
