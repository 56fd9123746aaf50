"""A ledger on PostgreSQL: making it, and whether it is the one that knows whom we called."""

import secrets
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.schema import CreateSchema

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import files, migrations
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.fleet_schema import FLEET_RULES, FLEET_VERSION, fleet_metadata
from callagent_cli.ledger.identity import check_journal_of, meta_value, newer, older
from callagent_cli.ledger.journal import Journal
from callagent_cli.ledger.lease import turned_away
from callagent_cli.ledger.list_journal import ListJournal
from callagent_cli.ledger.schema import call_counts, contact_counts, meta, metadata
from callagent_cli.ledger.server_database import ServerDatabase
from callagent_cli.ledger.server_rules import RULES, VIEWS, statements
from callagent_cli.ledger.shared_lease import holder_of

_RESTORE = "restore the newest backup of the server's database, or ask whoever keeps it"
_INDEXES = ("one_open_attempt_per_number", "one_open_incident_per_service")


def opened(url: str, path: Path, journal: Journal) -> ServerDatabase:
    """For a run. path: beside which this host's journals stand."""
    database = ServerDatabase(url, path, schema=_schema_of(path))
    try:
        ensure(database, journal)
        bring_up_to_date(database)
        check_version(database)
        check_content(database, journal)
    except (LedgerError, OSError):
        database.close()
        raise
    return database


def opened_to_move_in(url: str, path: Path) -> ServerDatabase:
    """For a ledger that comes from elsewhere: whatever this host's journal knows comes with it."""
    database = ServerDatabase(url, path, schema=_schema_of(path))
    try:
        with database.alone() as connection:
            connection.execute(CreateSchema(database.schema, if_not_exists=True))
            if not database.holds_ledger(connection):
                _make(connection, secrets.token_hex(16))
            equip(connection)
        check_version(database)
        _check_rules(database)
    except LedgerError:
        database.close()
        raise
    return database


def opened_to_look(url: str, path: Path) -> ServerDatabase:
    database = ServerDatabase(url, path, schema=_schema_of(path), is_readonly=True)
    try:
        _require_there(database)
        check_version(database)
    except LedgerError:
        database.close()
        raise
    return database


def _require_there(database: ServerDatabase) -> None:
    if not database.exists():
        raise LedgerError(
            f"no campaign has run here yet (no ledger in {database.where})",
            hint="start one with `callagent run CONTACTS`",
        )


def is_there(url: str, path: Path) -> bool:
    database = ServerDatabase(url, path, schema=_schema_of(path), is_readonly=True)
    try:
        return database.exists()
    finally:
        database.close()


def _schema_of(path: Path) -> str:
    """Rehearsals have a ledger of their own, as they have a file of their own."""
    return {"ledger": "callagent", "sandbox": "callagent_sandbox"}[path.stem]


def ensure(database: ServerDatabase, journal: Journal) -> None:
    """Make the ledger where there is none. Of many first runs only one makes it.

    Raises LedgerError where this host's journal knows of dials: then a ledger was lost.
    """
    with database.alone() as connection:
        connection.execute(CreateSchema(database.schema, if_not_exists=True))
        if database.holds_ledger(connection):
            equip(connection)
            return
        if journal.exists() and not journal.knows_nobody():
            raise LedgerError(
                f"{database.where} holds no ledger, but the dial journal {journal.path} is "
                "there: people have been called",
                hint=f"{_RESTORE}; a ledger in a file there is moved with "
                "`callagent ledger copy --to URL`",
            )
        _make(connection, ListJournal(database.path).salt() or secrets.token_hex(16))
        equip(connection)


def _make(connection: Connection, salt: str) -> None:
    views = {contact_counts, call_counts}
    metadata.create_all(
        connection, tables=[table for table in metadata.sorted_tables if table not in views]
    )
    for view in VIEWS:
        connection.execute(text(view))
    for rule in statements():
        connection.execute(text(rule))
    known = {
        "schema_version": str(files.SCHEMA_VERSION),
        "workspace": uuid.uuid4().hex,
        "generation": "0",
        "salt": salt,
    }
    rows = [{"key": key, "value": value} for key, value in known.items()]
    connection.execute(insert(meta), rows)


def equip(connection: Connection) -> None:
    """What a fleet works with, where it is missing: the engine's tables and those of the crew."""
    there = text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
    if not connection.execute(there).scalar_one():
        from procrastinate.schema import SchemaManager

        script = SchemaManager.get_schema()
        connection.connection.driver_connection.execute(script)  # type: ignore[union-attr]
    known = text("SELECT obj_description(to_regclass('crew'), 'pg_class')")
    if int(connection.execute(known).scalar_one() or 0) < FLEET_VERSION:
        fleet_metadata.create_all(connection)
        for rule in FLEET_RULES:
            connection.exec_driver_sql(rule)
        connection.exec_driver_sql(f"COMMENT ON TABLE crew IS '{FLEET_VERSION}'")


def bring_up_to_date(database: ServerDatabase) -> None:
    """The steps since the ledger's version, in one transaction. Raises LedgerBusy while anybody
    of the older program is at work: of a rolling upgrade the last ones wait."""
    noted = _version(database)
    if not noted.isdigit() or int(noted) >= files.SCHEMA_VERSION:
        return
    with database.alone() as connection:
        asked = select(meta.c.value).where(meta.c.key == "schema_version")
        version = int(connection.execute(asked).scalar_one())  # nobody was quicker
        now = database.now(connection, datetime.now(UTC))
        if (holder := holder_of(connection, now)) is not None:
            raise turned_away(holder)
        for migration in migrations.MIGRATIONS:
            if migration.to_version > version:
                for step in migration.steps:
                    connection.execute(text(step))
        for rule in statements():
            connection.execute(text(rule))
        done = update(meta).where(meta.c.key == "schema_version")
        connection.execute(done.values(value=str(files.SCHEMA_VERSION)))


def _version(database: Database) -> str:
    with database.reading() as connection:
        told = connection.execute(select(meta.c.value).where(meta.c.key == "schema_version"))
        return told.scalar_one_or_none() or "?"


def check_version(database: ServerDatabase) -> None:
    """Raises LedgerError for a ledger of a newer program, LedgerOutdated for an older one's."""
    noted = _version(database)
    if not noted.isdigit() or int(noted) > files.SCHEMA_VERSION:
        raise newer(database, noted)
    if int(noted) < files.SCHEMA_VERSION:
        raise older(database)


def check_content(database: ServerDatabase, journal: Journal) -> None:
    """The rules are in force, and this host's journal knows no call that the ledger does not."""
    _check_rules(database)
    workspace = meta_value(database, "workspace")
    if not journal.exists() or (journal.workspace() != workspace and journal.knows_nobody()):
        journal.create(workspace)
    check_journal_of(database, journal, workspace)


def check_whole(database: Database, journal: Journal) -> None:
    """As `check_content`, without making a journal."""
    _check_rules(database)
    if journal.exists():
        check_journal_of(database, journal, meta_value(database, "workspace"))


def _check_rules(database: Database) -> None:
    found = text(
        "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = to_regnamespace(:schema) "
        "AND t.tgenabled <> 'D'"
    )
    kept = text("SELECT indexname FROM pg_indexes WHERE schemaname = :schema")
    here = {"schema": _schema_of(database.path)}
    with database.reading() as connection:
        bodies = {row.tgname: row.prosrc for row in connection.execute(found, here)}
        indexes = set(connection.scalars(kept, here))
    is_kept = all(RULES[name][1] in bodies.get(name, "") for name in RULES)
    if not is_kept or not indexes.issuperset(_INDEXES):
        raise LedgerError(
            f"{database.where} lacks rules that keep people from being called twice",
            hint=_RESTORE,
        )
