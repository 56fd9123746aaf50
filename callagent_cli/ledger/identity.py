"""Is this the ledger that knows whom we called? Checked before anything is dialled.

A ledger that is missing, empty, foreign, damaged, newer than the program or older than its
dial journal would make people look uncalled. Each of these is refused, with the way out.
"""

import os
import secrets
import uuid
from pathlib import Path

from sqlalchemy import insert, select

from callagent_cli.domain.call import AttemptState
from callagent_cli.domain.errors import LedgerError, LedgerOutdated
from callagent_cli.ledger import file_rules
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.files import APPLICATION_ID, RECOVER, SCHEMA_VERSION
from callagent_cli.ledger.folder import only_one, sync_folder
from callagent_cli.ledger.journal import Journal
from callagent_cli.ledger.list_journal import ListJournal
from callagent_cli.ledger.schema import attempts, meta, metadata

MOVED = "moved_to"  # in meta of a ledger that was left behind
_UNSENT = {AttemptState.CLAIMED, AttemptState.RELEASED}


def create(ledger: Path, journal: Journal) -> None:
    """Make both files, for the holder of the run's lock. The ledger appears under its name only
    when both are whole."""
    workspace = uuid.uuid4().hex
    draft = write_draft(ledger, workspace)
    if not journal.exists() or journal.knows_nobody():
        journal.create(workspace)
    draft.replace(ledger)
    sync_folder(ledger.parent)


def write_draft(ledger: Path, workspace: str = "") -> Path:
    """An empty ledger under another name; whoever asked gives it its own."""
    draft = ledger.with_name(f"{ledger.name}.draft")
    salt = ListJournal(ledger).salt() or secrets.token_hex(16)
    for left in draft.parent.glob(f"{draft.name}*"):  # by a run that died here
        left.unlink()
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    database = Database(draft, is_draft=True)
    try:
        with database.transaction() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
            metadata.create_all(connection)
            file_rules.put_in_force(connection)
            connection.execute(
                insert(meta),
                [
                    {"key": "schema_version", "value": str(SCHEMA_VERSION)},
                    {"key": "workspace", "value": workspace},
                    {"key": "generation", "value": "0"},
                    {"key": "salt", "value": salt},
                ],
            )
    finally:
        database.close()
    return draft


def moved_to(database: Database) -> str:
    """Where the ledger is now; empty: here."""
    with database.reading() as connection:
        found = connection.execute(select(meta.c.value).where(meta.c.key == MOVED)).scalar()
    return str(found or "")


def require_here(database: Database) -> None:
    """Raises LedgerError for a ledger that was moved: nobody is called from what stayed behind."""
    if where := moved_to(database):
        raise LedgerError(
            f"{database.where} was left behind: the ledger is now {where}",
            hint="set CALLAGENT_DATABASE_URL to it, or take it away where it is a file's; "
            "`callagent ledger copy` moves it again",
        )


def schema_version(database: Database) -> int:
    """The ledger's schema. Raises LedgerError for one that only a newer program understands."""
    with database.reading() as connection:
        told = connection.execute(select(meta.c.value).where(meta.c.key == "schema_version"))
        noted = told.scalar_one_or_none() or "?"
        marked = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if not noted.isdigit() or max(int(noted), marked) > SCHEMA_VERSION:
        raise newer(database, max(noted, str(marked), key=lambda version: (len(version), version)))
    return int(noted)


def newer(database: Database, version: str) -> LedgerError:
    return LedgerError(
        f"{database.where} was written by a newer callagent (schema {version})",
        hint="upgrade callagent on this machine",
    )


def older(database: Database) -> LedgerOutdated:
    return LedgerOutdated(
        f"{database.where} was written by an older callagent",
        hint="the next `callagent run` brings it up to date",
    )


def check_readable(database: Database) -> None:
    """Whether this program knows the tables, for one that may only look."""
    if schema_version(database) < SCHEMA_VERSION:
        raise older(database)


def check_content(database: Database, journal: Journal) -> None:
    """Damage, missing rules, and whether the journal knows calls that the ledger does not."""
    check_undamaged(database)
    _check_rules(database)
    _check_journal(database, journal)


def check_whole(database: Database, journal: Journal) -> None:
    """As `check_content`, without making a journal that is missing."""
    check_undamaged(database)
    _check_rules(database)
    if journal.exists() or int(meta_value(database, "generation")) > 0:
        _check_journal(database, journal)


def check_undamaged(database: Database) -> None:
    with database.reading() as connection:
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        raise LedgerError(f"{database.where} is damaged: {verdict}", hint=RECOVER)


def _check_rules(database: Database) -> None:
    """The triggers and the unique index are there, word for word."""
    kept = "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'index')"
    with database.reading() as connection:
        rules = {row.name: row.sql for row in connection.exec_driver_sql(kept)}
    expected = {trigger.strip() for trigger in file_rules.TRIGGERS}
    if not expected <= set(rules.values()) or "one_open_attempt_per_number" not in rules:
        raise LedgerError(
            f"{database.where} lacks rules that keep people from being called twice", hint=RECOVER
        )


def _check_journal(database: Database, journal: Journal) -> None:
    workspace = meta_value(database, "workspace")
    if journal.exists():
        check_journal_of(database, journal, workspace)
    else:
        _make_journal(database, journal, workspace)


def check_journal_of(database: Database, journal: Journal, workspace: str) -> None:
    """Whether the journal, which is there, belongs to the ledger and knows no more than it."""
    if journal.workspace() != workspace:
        raise LedgerError(
            f"{journal.path} and {database.where} do not belong together", hint=RECOVER
        )
    if missing := _missing_from(database, journal):
        raise LedgerError(
            f"{database.where} is older than its dial journal: {missing} calls are missing from "
            "it, and those people may already have been called",
            hint=RECOVER,
        )


def meta_value(database: Database, key: str) -> str:
    with database.reading() as connection:
        found = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    if found is None:
        raise LedgerError(f"{database.where} does not say its {key}", hint=RECOVER)
    return str(found)


def _make_journal(database: Database, journal: Journal, workspace: str) -> None:
    """Where nobody has been called yet; two processes must not make it twice."""
    with only_one(journal.path.parent):
        if journal.exists():
            return
        if int(meta_value(database, "generation")) > 0:
            raise LedgerError(
                f"the dial journal {journal.path} is missing",
                hint="put it back; if it is lost, run `callagent ledger recover`",
            )
        journal.create(workspace)


def _missing_from(database: Database, journal: Journal) -> int:
    """Calls of the journal that the ledger does not know as begun. An older ledger lacks the
    latest ones first, so the journal's end is enough."""
    # the journal first: a run that is on writes into the ledger before the journal
    intents = {intent.attempt_id: intent for intent in journal.intents(tail_only=True)}
    newest = max((intent.generation for intent in intents.values()), default=0)
    ahead = newest - int(meta_value(database, "generation"))
    return max(len(intents) - len(begun_ids(database, list(intents))), ahead)


def begun_ids(database: Database, ids: list[str]) -> set[str]:
    """Those of the attempts that the ledger knows to have got past their claim."""
    begun: set[str] = set()
    for start in range(0, len(ids), 500):  # some databases bound the parameters of a query
        some = ids[start : start + 500]
        found = select(attempts.c.attempt_id).where(
            attempts.c.attempt_id.in_(some), attempts.c.state.not_in(_UNSENT)
        )
        with database.reading() as connection:
            begun.update(connection.scalars(found))
    return begun
