"""One run at a time: the lock that the kernel frees on any death, and the row that says who."""

import os
import socket
from pathlib import Path
from typing import Any, Protocol, Self

from sqlalchemy import Connection, Row, insert, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import LedgerBusy
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.lock import take_lock
from callagent_cli.ledger.schema import runs


class Lease(Protocol):
    """Of whoever may dial from the ledger."""

    def heartbeat(self) -> None: ...

    def finish(self, exit_status: int) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class RunLease:
    """Held from `hold` to the end of the with block."""

    def __init__(self, database: Database, lock_path: Path, clock: Clock) -> None:
        self._database, self._lock_path, self._clock = database, lock_path, clock
        self._handle: int | None = None
        self._run_id = ""

    def take(self, campaign: str, run_id: str) -> None:
        """Raises LedgerBusy at once when another run holds the ledger."""
        handle = take_lock(self._lock_path)
        if handle is None:
            raise busy(self._database)
        try:
            self._note_begin(campaign, run_id)
        except BaseException:
            os.close(handle)
            raise
        self._handle, self._run_id = handle, run_id

    def _note_begin(self, campaign: str, run_id: str) -> None:
        now = stamp(self._clock.now())
        with self._database.transaction() as connection:
            end_the_silent(connection, now)
            note_begin(connection, campaign, run_id, now)

    def heartbeat(self) -> None:
        self._note(heartbeat_at=stamp(self._clock.now()))

    def finish(self, exit_status: int) -> None:
        """Say how the run ended; the lock goes with the with block."""
        self._note(ended_at=stamp(self._clock.now()), exit_status=exit_status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _note(self, **values: str | int) -> None:
        with self._database.transaction() as connection:
            connection.execute(update(runs).where(runs.c.run_id == self._run_id).values(values))


def end_the_silent(connection: Connection, now: str) -> None:
    """Inside the caller's transaction. Whoever holds the ledger is alone: runs that never said
    how they ended are dead."""
    connection.execute(update(runs).where(runs.c.ended_at.is_(None)).values(ended_at=now))


def note_begin(connection: Connection, campaign: str, run_id: str, now: str) -> None:
    """Inside the caller's transaction."""
    connection.execute(
        insert(runs).values(
            run_id=run_id,
            campaign=campaign,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=now,
            heartbeat_at=now,
        )
    )


def busy(database: Database) -> LedgerBusy:
    """Says who holds the ledger."""
    latest = select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at.desc())
    with database.reading() as connection:
        row = connection.execute(latest).first()
    return turned_away(row)


def turned_away(row: Row[Any] | None) -> LedgerBusy:
    """row: of the run that holds the ledger, if it has said so yet."""
    who = "a run that has just begun"
    if row is not None:
        what = f"campaign {row.campaign}" if row.campaign else "a change by hand"
        who = f"{what}, process {row.pid} on {row.host}, since {row.started_at[:19]} UTC"
    return LedgerBusy(
        f"another run holds the ledger: {who}",
        hint="wait for it to end, or look at it with `callagent status`",
    )
