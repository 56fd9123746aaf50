"""The lease of a run on a shared ledger: a row that is renewed, by the server's clock.

A run that is not heard of for a while is taken for dead, and its row says that it ended. Whoever
was only asleep finds that out before its next dial: `begin` looks at the row in the transaction
that would commit the intent. A row is never taken up again, so its `run_id` is the fence.
"""

from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, Row, bindparam, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import LeaseLost
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.fleet_schema import crew
from callagent_cli.ledger.lease import end_the_silent, note_begin, turned_away
from callagent_cli.ledger.schema import runs

DEAD_AFTER = timedelta(seconds=30)  # without a heartbeat


class SharedLease:
    """Held from `hold` to the end of the with block."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock, self._run_id = database, clock, ""

    def take(self, campaign: str, run_id: str) -> None:
        """Raises LedgerBusy at once while somebody else is alive; without a campaign, for a
        change by hand, only where nobody bears company."""
        with self._database.alone() as connection:
            now = self._database.now(connection, self._clock.now())
            find = holder_of if campaign else alone_holder_of
            if (holder := find(connection, now)) is not None:
                raise turned_away(holder)
            if campaign:
                end_the_silent(connection, stamp(now))
            note_begin(connection, campaign, run_id, stamp(now))
        self._run_id = run_id

    def heartbeat(self) -> None:
        """Raises LeaseLost, and lets nothing more be dialled, when the run was taken for dead."""
        if not self._note():
            self._database.condemn()
            raise LeaseLost(
                "this run was silent for too long and was taken for dead: another one may be on",
                hint="nothing more is dialled here; start the same command again",
            )

    def finish(self, exit_status: int) -> None:
        """Say how the run ended."""
        self._note(exit_status=exit_status)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._run_id:
            self._note(exit_status=None)

    def _note(self, **ended: int | None) -> bool:
        mine = update(runs).where(runs.c.run_id == self._run_id, runs.c.ended_at.is_(None))
        with self._database.aside() as connection:
            now = stamp(self._database.now(connection, self._clock.now()))
            times = {"ended_at": now} if ended else {"heartbeat_at": now}
            return connection.execute(mine.values(**times, **ended)).rowcount == 1


def holder_of(connection: Connection, now: datetime) -> Row[Any] | None:
    """Whoever is at work, None without one. Inside the caller's transaction."""
    return connection.execute(_ALIVE, {"lately": stamp(now - DEAD_AFTER)}).first()


def alone_holder_of(connection: Connection, now: datetime) -> Row[Any] | None:
    """Whoever is at work and bears nobody beside it: no member of the crew, no change by hand."""
    crewed = select(crew.c.run_id).where(crew.c.run_id == runs.c.run_id).exists()
    lone = _ALIVE.where(runs.c.campaign != "", ~crewed)
    return connection.execute(lone, {"lately": stamp(now - DEAD_AFTER)}).first()


_ALIVE = (
    select(runs)
    .where(runs.c.ended_at.is_(None), runs.c.heartbeat_at > bindparam("lately"))
    .order_by(runs.c.started_at.desc())
)
