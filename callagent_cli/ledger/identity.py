"""Is this the ledger that knows whom we called? Checked before anything is dialled.

A ledger that is missing, empty, foreign, damaged, newer than the program or older than its
dial journal would make people look uncalled. Each of these is refused, with the way out.
"""

import os
import shutil
import sqlite3
import uuid
from pathlib import Path

from sqlalchemy import insert, select

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.database import Database, unusable
from callagent_cli.ledger.journal import Journal
from callagent_cli.ledger.schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    TRIGGERS,
    attempts,
    meta,
    metadata,
)

_MAGIC = b"SQLite format 3\x00"
_RECOVER = "put the newest ledger back, or run `callagent ledger recover`"
ENOUGH_BYTES = 50_000_000


def prepare_folder(state_dir: Path, *, enough_bytes: int = ENOUGH_BYTES) -> None:
    """Make the folder if need be, and see that it can be written."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = state_dir / f".probe-{uuid.uuid4().hex}"
        probe.touch(mode=0o600)
        probe.unlink()
        free = shutil.disk_usage(state_dir).free
    except OSError as error:
        raise LedgerError(
            f"the state_dir {state_dir} cannot be written: {error.strerror}",
            hint="choose another `state_dir` in config.yml, or mend the folder's rights",
        ) from None
    if free < enough_bytes:
        raise LedgerError(
            f"only {free // 1_000_000} MB are free in {state_dir}",
            hint=f"free at least {enough_bytes // 1_000_000} MB: the intent to dial must fit",
        )


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
                hint=_RECOVER,
            )
        return True
    try:
        with ledger.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise LedgerError(f"{ledger} cannot be read: {error.strerror}", hint=_RECOVER) from None
    if not head:
        raise LedgerError(f"{ledger} is empty", hint=_RECOVER)
    if not head.startswith(_MAGIC):
        raise LedgerError(f"{ledger} is not a ledger", hint=_RECOVER)
    if len(head) < 100 or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise LedgerError(f"{ledger} belongs to another program", hint=_RECOVER)
    return False


def create(ledger: Path, journal: Journal) -> None:
    """Make both files. The ledger appears under its name only when both are whole."""
    workspace = uuid.uuid4().hex
    draft = ledger.with_suffix(".draft")
    for left in draft.parent.glob(f"{draft.name}*"):  # by a run that died here
        left.unlink()
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    database = Database(draft, is_draft=True)
    try:
        with database.transaction() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
            metadata.create_all(connection)
            for trigger in TRIGGERS:
                connection.exec_driver_sql(trigger)
            connection.execute(
                insert(meta),
                [
                    {"key": "schema_version", "value": str(SCHEMA_VERSION)},
                    {"key": "workspace", "value": workspace},
                ],
            )
    finally:
        database.close()
    if not journal.exists() or journal.knows_nobody():
        journal.create(workspace)
    draft.replace(ledger)
    _sync_folder(ledger.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_content(database: Database, journal: Journal) -> None:
    """Schema, damage, and whether the journal knows calls that the ledger does not."""
    values = _meta(database)
    version = values.get("schema_version", "?")
    with database.reading() as connection:
        marked = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if not version.isdigit() or max(int(version), marked) > SCHEMA_VERSION:
        raise LedgerError(
            f"{database.path} was written by a newer callagent",
            hint="upgrade callagent on this machine",
        )
    with database.reading() as connection:
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        raise LedgerError(f"{database.path} is damaged: {verdict}", hint=_RECOVER)
    _check_journal(database, journal, values.get("workspace", ""))


def _meta(database: Database) -> dict[str, str]:
    try:
        with database.reading() as connection:
            return {row.key: row.value for row in connection.execute(select(meta))}
    except sqlite3.Error as error:
        raise unusable(database.path, error) from None


def _check_journal(database: Database, journal: Journal, workspace: str) -> None:
    if not journal.exists():
        if _has_dialled(database):
            raise LedgerError(
                f"the dial journal {journal.path} is missing",
                hint="put it back; if it is lost, run `callagent ledger recover`",
            )
        journal.create(workspace)  # a crash came between the two files
        return
    if journal.workspace() != workspace:
        raise LedgerError(
            f"{journal.path} and {database.path} do not belong together", hint=_RECOVER
        )
    missing = missing_from(database, journal)
    if missing:
        raise LedgerError(
            f"{database.path} is older than its dial journal: {missing} calls are missing from "
            "it, and those people may already have been called",
            hint=_RECOVER,
        )


def _has_dialled(database: Database) -> bool:
    dialled = select(attempts.c.attempt_id).where(attempts.c.started_at.is_not(None)).limit(1)
    with database.reading() as connection:
        return connection.execute(dialled).first() is not None


def missing_from(database: Database, journal: Journal) -> int:
    """Calls of the journal that the ledger does not know. An older ledger lacks the latest
    ones first, so the journal's end is enough."""
    ids = [intent.attempt_id for intent in journal.intents(tail_only=True)]
    known = 0
    with database.reading() as connection:
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            found = connection.execute(
                select(attempts.c.attempt_id).where(attempts.c.attempt_id.in_(some))
            )
            known += len(found.all())
    return len(set(ids)) - known
