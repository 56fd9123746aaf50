"""The ledger's files on the disk: whose they are, and whether they are whole.

Imports nothing slow: who only looks asks this first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.journal import Journal

SCHEMA_VERSION = 9  # a change of the schema needs a step in migrations
APPLICATION_ID = 0x43A11A61  # marks the SQLite file as ours
RECOVER = "put the newest ledger back, or run `callagent ledger recover`"
NEVER = "never"  # as a time: until a person acts; sorts after every other
_MAGIC = b"SQLite format 3\x00"


def files_of(state_dir: Path, name: str) -> tuple[Path, Journal, Path]:
    """Ledger, dial journal and lock."""
    journal = Journal(state_dir / f"{name}.journal")
    return state_dir / f"{name}.db", journal, state_dir / f"{name}.lock"


def check_files(ledger: Path, journal: Journal) -> bool:
    """Return whether the ledger is new (there is none, and the journal knows of no dial); refuse
    what cannot be trusted."""
    for path in (ledger, journal.path):
        if path.is_symlink():
            raise LedgerError(f"{path} is a link", hint="put the file itself there")
    if not ledger.exists():
        if journal.exists() and not journal.knows_nobody():
            raise LedgerError(
                f"{ledger} is missing, but its dial journal is there: people have been called",
                hint=RECOVER,
            )
        if ledger.with_name(f"{ledger.name}-wal").exists():
            raise LedgerError(
                f"{ledger} is missing, but its write-ahead log is there", hint=RECOVER
            )
        return True
    check_head(ledger)
    return False


def check_head(ledger: Path) -> None:
    """The first 100 bytes tell whose file it is; see the SQLite file format, 1.3."""
    try:
        with ledger.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise LedgerError(f"{ledger} cannot be read: {error.strerror}", hint=RECOVER) from None
    if not head:
        raise LedgerError(f"{ledger} is empty", hint=RECOVER)
    if not head.startswith(_MAGIC):
        raise LedgerError(f"{ledger} is not a ledger", hint=RECOVER)
    if len(head) < 100 or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise LedgerError(f"{ledger} belongs to another program", hint=RECOVER)
    _check_length(ledger, head)


def _check_length(ledger: Path, head: bytes) -> None:
    """No page is missing at the end: SQLite takes one that is cut off for zeros, and an empty
    table looks like that. While a write-ahead log is there, pages may still be in it."""
    is_counted = head[24:28] == head[92:96]  # else an old program left the count as it was
    log = ledger.with_name(f"{ledger.name}-wal")
    if not is_counted or (log.exists() and log.stat().st_size):
        return
    page_bytes = int.from_bytes(head[16:18], "big")
    whole = int.from_bytes(head[28:32], "big") * (65_536 if page_bytes == 1 else page_bytes)
    size = ledger.stat().st_size
    if size < whole:
        raise LedgerError(f"{ledger} is cut off: {whole - size} bytes are missing", hint=RECOVER)


@contextmanager
def in_words(state_dir: Path) -> Iterator[None]:
    """What the file system says, as a LedgerError."""
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f"the ledger in {state_dir} cannot be used: {error.strerror or error}",
            hint="free disk space or mend the folder's rights, then start the same command again",
        ) from None


def hint_for(words: str) -> str:
    """What to do about what SQLite says."""
    if "full" in words:
        return "free some disk space, then start the same command again"
    if "readonly" in words or "unable to open" in words:
        return "make the state_dir and every file in it writable for this user"
    if "locked" in words:
        return "another program holds the file; end it, then start again"
    if any(sign in words for sign in ("malformed", "not a database", "no such", "be read")):
        return "restore a backup, or run `callagent ledger recover`"
    return "nothing more was dialled; start the same command again"
