"""Bringing an older ledger up to date: forward only, one numbered step after another.

A step is SQL that was right for its version and is never edited afterwards; from 10 on it runs on
SQLite and PostgreSQL alike (see `server`). The triggers are always the program's own. All of it is
one transaction, made while no run is on, after a copy of the old ledger was put beside it.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, update

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import file_rules
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.files import SCHEMA_VERSION
from callagent_cli.ledger.schema import meta


@dataclass(frozen=True, slots=True)
class Migration:
    to_version: int
    steps: tuple[str, ...]


MIGRATIONS = (
    Migration(
        2,
        (
            "CREATE INDEX contacts_by_position ON contacts (campaign, position)",
            "CREATE INDEX attempts_by_time ON attempts (claimed_at)",
            "CREATE INDEX attempts_by_disposition ON attempts (campaign, disposition, cost_usd)",
            "INSERT INTO meta (key, value) SELECT 'generation', CAST(count(*) AS VARCHAR) "
            "FROM attempts WHERE started_at IS NOT NULL",
        ),
    ),
    Migration(
        3,
        (
            "ALTER TABLE messages ADD COLUMN ended_at VARCHAR",
            "CREATE TABLE incidents ( id INTEGER NOT NULL, service VARCHAR NOT NULL, "
            "is_refusal BOOLEAN NOT NULL, opened_at VARCHAR NOT NULL, told_at VARCHAR NOT NULL, "
            "closed_at VARCHAR, error VARCHAR NOT NULL, repeats INTEGER NOT NULL, "
            "counts JSON NOT NULL, PRIMARY KEY (id) )",
            "CREATE INDEX incidents_by_time ON incidents (opened_at)",
            "CREATE UNIQUE INDEX one_open_incident_per_service ON incidents (service) "
            "WHERE closed_at IS NULL",
        ),
    ),
    Migration(
        4,
        (
            "CREATE TABLE suppressions ( phone_hash VARCHAR NOT NULL, source VARCHAR NOT NULL, "
            "phone VARCHAR, added_at VARCHAR NOT NULL, seen_in VARCHAR NOT NULL, "
            "reason VARCHAR NOT NULL, campaign VARCHAR NOT NULL, added_by VARCHAR NOT NULL, "
            "PRIMARY KEY (phone_hash, source) )",
            "CREATE INDEX suppressions_by_source ON suppressions (source, seen_in)",
            "CREATE TABLE number_lists ( name VARCHAR NOT NULL, as_of VARCHAR NOT NULL, "
            "imported_at VARCHAR NOT NULL, numbers INTEGER NOT NULL, sha256 VARCHAR NOT NULL, "
            "PRIMARY KEY (name) )",
            "INSERT INTO meta (key, value) VALUES ('salt', lower(hex(randomblob(16))))",
        ),
    ),
    Migration(
        5,
        (
            "CREATE TABLE service_measures ( run_id VARCHAR NOT NULL, service VARCHAR NOT NULL, "
            "operation VARCHAR NOT NULL, campaign VARCHAR NOT NULL, requests INTEGER NOT NULL, "
            "failures INTEGER NOT NULL, retries INTEGER NOT NULL, latency_ms JSON NOT NULL, "
            "total_ms FLOAT NOT NULL, PRIMARY KEY (run_id, service, operation) )",
            "CREATE INDEX measures_by_campaign ON service_measures (campaign)",
            "CREATE TABLE breaker_changes ( id INTEGER NOT NULL, run_id VARCHAR NOT NULL, "
            "campaign VARCHAR NOT NULL, service VARCHAR NOT NULL, at VARCHAR NOT NULL, "
            "state VARCHAR NOT NULL, reason VARCHAR NOT NULL, PRIMARY KEY (id) )",
            "CREATE INDEX changes_by_campaign ON breaker_changes (campaign)",
        ),
    ),
    Migration(6, ()),  # the triggers alone: a person may be forgotten
    Migration(
        7,
        (
            "CREATE TABLE contact_counts ( campaign VARCHAR NOT NULL, state VARCHAR NOT NULL, "
            "contacts INTEGER NOT NULL, PRIMARY KEY (campaign, state) )",
            "INSERT INTO contact_counts SELECT campaign, state, count(*) FROM contacts "
            "GROUP BY campaign, state",
            "CREATE TABLE call_counts ( campaign VARCHAR NOT NULL, disposition VARCHAR NOT NULL, "
            "attempts INTEGER NOT NULL, priced INTEGER NOT NULL, cost_usd FLOAT NOT NULL, "
            "latest_end_at VARCHAR NOT NULL, PRIMARY KEY (campaign, disposition) )",
            "INSERT INTO call_counts SELECT campaign, coalesce(disposition, ''), count(*), "
            "count(cost_usd), total(cost_usd), coalesce(max(ended_at), '') FROM attempts "
            "GROUP BY campaign, coalesce(disposition, '')",
        ),
    ),
    Migration(8, ()),  # the triggers alone: who forgets a person changes no figure
    Migration(
        9,
        (
            "CREATE TABLE breaker_holds ( service VARCHAR NOT NULL, reason VARCHAR NOT NULL, "
            "held_by VARCHAR NOT NULL, since VARCHAR NOT NULL, PRIMARY KEY (service) )",
        ),
    ),
)


def migrate(database: Database, version: int, now: datetime) -> Path:
    """From `version` to the program's own. Only for the holder of the run's lock.

    Returns the copy of the ledger as it was.
    """
    copy = database.path.with_name(f"{database.path.name}.schema-{version}-{now:%Y%m%d-%H%M%S}")
    try:
        database.backup(copy)
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be copied to {copy} before it is brought up to date: "
            f"{error.strerror}",
            hint="free disk space or mend the folder's rights",
        ) from None
    with database.transaction() as connection:
        for migration in MIGRATIONS:
            if migration.to_version <= version:
                continue
            for step in migration.steps:
                connection.exec_driver_sql(step)
            done = {"key": f"migrated_to_{migration.to_version}", "value": stamp(now)}
            connection.execute(insert(meta), done)
        file_rules.lift(connection)
        file_rules.put_in_force(connection)
        connection.execute(
            update(meta).where(meta.c.key == "schema_version").values(value=str(SCHEMA_VERSION))
        )
        connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    return copy
