"""The lease of a run on a shared ledger: a row that is renewed, by the server's clock.

A run that is not heard of for a while is taken for dead, and its row says that it ended. Whoever
was only asleep finds that out before its next dial: `begin` looks at the row in the transaction
that would commit the intent. A row is never taken up again, so its `run_id` is the fence.
"""

from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, Row, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import LeaseLost
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.lease import note_begin, turned_away
from callagent_cli.ledger.schema import runs

DEAD_AFTER = timedelta(seconds=60)  # without a heartbeat


class SharedLease:
    """Held from `hold` to the end of the with block."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock, self._run_id = database, clock, ""

    def take(self, campaign: str, run_id: str) -> None:
        """Raises LedgerBusy at once while another run is alive."""
        with self._database.alone() as connection:
            now = self._database.now(connection, self._clock.now())
            if (holder := holder_of(connection, now)) is not None:
                raise turned_away(holder)
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
    """The run that is alive, None without one. Inside the caller's transaction."""
    alive = (
        select(runs)
        .where(runs.c.ended_at.is_(None), runs.c.heartbeat_at > stamp(now - DEAD_AFTER))
        .order_by(runs.c.started_at.desc())
    )
    return connection.execute(alive).first()
