"""Moving a ledger between a file and a server: every row, proven, and the old one closed.

The source is closed first, then the target is written in one transaction that reads back what it
wrote. So at every moment at most one of them lets anybody dial; a move that was cut off is ended
by the same command. The dial journals stay valid: the ledger keeps its name for itself, its salt
and its generation.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Float,
    Row,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from callagent_cli.domain.errors import InputError, LedgerError
from callagent_cli.ledger import file_rules
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.folder import sync_folder
from callagent_cli.ledger.identity import MOVED, write_draft
from callagent_cli.ledger.schema import (
    attempts,
    call_counts,
    campaigns,
    contact_counts,
    meta,
    metadata,
    runs,
    suppressions,
)

_COUNTED = (contact_counts, call_counts)  # kept by triggers, or seen through views
_BATCH = 2000
_COUNT_AGAIN = (
    "DELETE FROM contact_counts",
    "DELETE FROM call_counts",
    "INSERT INTO contact_counts SELECT campaign, state, count(*) FROM contacts "
    "GROUP BY campaign, state",
    "INSERT INTO call_counts SELECT campaign, coalesce(disposition, ''), count(*), "
    "count(cost_usd), total(cost_usd), coalesce(max(ended_at), '') FROM attempts "
    "GROUP BY campaign, coalesce(disposition, '')",
)


@dataclass(frozen=True, slots=True)
class CopiedTable:
    name: str
    rows: int
    digest: str  # SHA-256 of its rows, in the order of their keys


def close(source: Database, moved_to: str) -> None:
    """From here on nobody dials from the source."""
    with source.alone() as connection:
        connection.execute(delete(meta).where(meta.c.key == MOVED))
        connection.execute(insert(meta).values(key=MOVED, value=moved_to))


def reopen(source: Database) -> None:
    """The move came to nothing."""
    with source.alone() as connection:
        connection.execute(delete(meta).where(meta.c.key == MOVED))


def back_up(source: Database, target: Path) -> None:
    """Write a ledger in a file as the source is at this moment, while others write. Raises
    FileExistsError rather than overwrite; leaves nothing behind when it fails."""
    if target.exists():
        raise FileExistsError(target)
    draft = write_draft(target)
    try:
        database = Database(draft, is_draft=True)
        try:
            copy(source, database)
        finally:
            database.close()
        os.link(draft, target)
    finally:
        draft.unlink()
    sync_folder(target.parent)


class NotMoved(InputError):
    """The target is as it was, for certain."""


def copy(source: Database, target: Database) -> list[CopiedTable]:
    """Returns what was copied, and proven. Raises NotMoved, and has changed nothing, where the
    target holds other calls already, differs from the source afterwards, or cannot be written;
    LedgerError where nobody knows whether it was.

    What is written in the source meanwhile is not copied: a move holds its lease.
    """
    is_written = False
    try:
        with source.reading() as old, target.alone() as new:
            told = _copied(target, old, new)
            is_written = True
    except LedgerError as error:
        if is_written:
            raise LedgerError(error.message, hint="give the same command again") from None
        raise NotMoved(error.message, hint=error.hint) from None
    return told


def _copied(target: Database, old: Connection, new: Connection) -> list[CopiedTable]:
    wanted = [_told(table, old) for table in _tables()]
    lasting = [told for told in wanted if told.name != runs.name]  # this move is a run, too
    if lasting == [_told(table, new) for table in _tables() if table is not runs]:
        return wanted  # a move that was cut off had got so far
    _require_empty(target, new)
    with _without_rules(new):
        for table in reversed(_tables()):
            new.execute(delete(table))
        for table in _tables():
            _write(table, old, new)
    for before in wanted:
        after = _told(metadata.tables[before.name], new)
        if after != before:
            raise NotMoved(
                f"{before.name}: {after.rows} of {before.rows} rows arrived, or they differ",
                hint="nothing was moved: the ledger is used where it was",
            )
    still_on = update(runs).where(runs.c.ended_at.is_(None))
    new.execute(still_on.values(ended_at=runs.c.heartbeat_at))
    return wanted


def _tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if table not in _COUNTED]


def _require_empty(target: Database, connection: Connection) -> None:
    for table in (campaigns, attempts, suppressions):
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise NotMoved(
                f"{target.where} holds {table.name} already",
                hint="name a database in which callagent has never run",
            )


def _write(table: Table, old: Connection, new: Connection) -> None:
    for rows in _batches(table, old):
        new.execute(insert(table), [dict(row._mapping) for row in rows])
    if new.dialect.name == "postgresql" and table.autoincrement_column is not None:
        column = table.autoincrement_column.name
        if column == "id" and table.c.id.type.python_type is int:
            new.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), "  # noqa: S608
                f"(SELECT coalesce(max({column}), 0) + 1 FROM {table.name}), false)"
            )


def _told(table: Table, connection: Connection) -> CopiedTable:
    rows, digest = 0, hashlib.sha256()
    plain = _plain(table)
    for batch in _batches(table, connection):
        rows += len(batch)
        for row in batch:
            digest.update(json.dumps(plain(row), sort_keys=True).encode())
            digest.update(b"\n")
    return CopiedTable(table.name, rows, digest.hexdigest())


def _batches(table: Table, connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    everything = select(table).order_by(*table.primary_key.columns)
    if table is meta:
        everything = everything.where(meta.c.key != MOVED)
    streamed = everything.execution_options(stream_results=True, max_row_buffer=_BATCH)
    yield from connection.execute(streamed).partitions(_BATCH)


def _plain(table: Table) -> Callable[[Row[Any]], list[object]]:
    """Values as they are on both sides: one database has no floats without a fraction, the other
    no booleans."""
    kinds = [_kind(column.type) for column in table.columns]

    def plain(row: Row[Any]) -> list[object]:
        return [
            kind(value) if kind is not None and value is not None else value
            for kind, value in zip(kinds, row, strict=True)
        ]

    return plain


def _kind(of: object) -> Callable[[Any], object] | None:
    if isinstance(of, Boolean):
        return bool
    return float if isinstance(of, Float) else None


@contextmanager
def _without_rules(connection: Connection) -> Iterator[None]:
    """Inside the caller's transaction: what is copied has been through them."""
    if connection.dialect.name == "postgresql":
        for table in _tables():
            connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
        yield
        for table in _tables():
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
        return
    file_rules.lift(connection)
    yield
    for count in _COUNT_AGAIN:
        connection.exec_driver_sql(count)
    file_rules.put_in_force(connection)
