"""The crew: runs and workers that are at one ledger at the same time, and what the dead left.

Alive is whose heartbeat the server's clock has seen within `DEAD_AFTER`. A member that was taken
for dead never dials again: `begin` looks at its row in `runs`, which is never taken up again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, Row, func, insert, select, update

from callagent_cli.domain.call import AttemptState
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import GateClosed, LeaseLost
from callagent_cli.ledger import muster
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.fleet_records import Member
from callagent_cli.ledger.fleet_schema import crew, leases
from callagent_cli.ledger.lease import note_begin, turned_away
from callagent_cli.ledger.queue import free_jobs_of, free_jobs_of_the_dead
from callagent_cli.ledger.records import Recovery
from callagent_cli.ledger.schema import IS_OPEN, attempts, contacts, runs
from callagent_cli.ledger.shared_lease import DEAD_AFTER, alone_holder_of
from callagent_cli.ledger.upsert import upsert

LOST = "the run ended while the request was on its way"
_SURE_FOR_S = 0.8 * DEAD_AFTER.total_seconds()
_ENGINE = "engine_"
LEADS_FOR = timedelta(seconds=10)  # without renewing it


class Post:
    """A member's place in the crew, from `join` to the end of the with block."""

    def __init__(self, database: Database, clock: Clock, run_id: str, handle: int) -> None:
        self._database, self._clock, self._run_id = database, clock, run_id
        self._handle: int | None = handle
        self._seen_s = clock.monotonic()

    def ensure_alive(self) -> None:
        """Raises GateClosed where the others may have taken this member for dead: it was asleep,
        and what it was about to send may be somebody else's by now."""
        if self._clock.monotonic() - self._seen_s > _SURE_FOR_S:
            raise GateClosed("this worker was silent for too long; another one goes on")

    def heartbeat(self, state: str = "working") -> timedelta:
        """Returns what the server's clock is ahead of this host's. Raises LeaseLost, and lets
        nothing more be dialled, when the member was taken for dead."""
        mine = update(runs).where(runs.c.run_id == self._run_id, runs.c.ended_at.is_(None))
        asked_s = self._clock.monotonic()
        with self._database.aside() as connection:
            here = self._clock.now()
            now = self._database.now(connection, here)
            is_alive = connection.execute(mine.values(heartbeat_at=stamp(now))).rowcount == 1
            this = update(crew).where(crew.c.run_id == self._run_id)
            connection.execute(this.values(state=state))
        if not is_alive:
            self._database.condemn()
            raise LeaseLost(
                "this worker was silent for too long and was taken for dead",
                hint="nothing more is dialled by it; a new one may begin",
            )
        self._seen_s = asked_s
        return now - here

    def finish(self, exit_status: int | None) -> None:
        """Say how it ended."""
        if self._handle is None:
            return
        muster.sign_off(muster.folder_of(self._database.path), self._run_id, self._handle)
        self._handle = None
        mine = update(runs).where(runs.c.run_id == self._run_id, runs.c.ended_at.is_(None))
        with self._database.aside() as connection:
            now = stamp(self._database.now(connection, self._clock.now()))
            connection.execute(mine.values(ended_at=now, exit_status=exit_status))
            this = update(crew).where(crew.c.run_id == self._run_id)
            connection.execute(this.values(state="left"))
            led = update(leases).where(leases.c.run_id == self._run_id)
            connection.execute(led.values(until=""))  # the next one leads at once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish(None)


class Crew:
    _database: Database
    _clock: Clock

    def join(
        self, campaign: str, run_id: str, *, role: str, order_id: str, version: str, lanes: int
    ) -> Post:
        """Raises LedgerBusy while the ledger is moved or rehearsed with."""
        folder = muster.folder_of(self._database.path)
        fallen = list(muster.fallen(folder))
        self._note_fallen(fallen)
        for one in fallen:
            muster.strike_off(folder, one)
        handle = muster.sign_on(folder, run_id)
        with self._database.alone() as connection:
            now = self._database.now(connection, self._clock.now())
            if (holder := alone_holder_of(connection, now)) is not None:
                raise turned_away(holder)
            note_begin(connection, campaign, run_id, stamp(now))
            counts = {"dialled": 0, "ended": 0, "failed": 0, "cost_usd": 0.0}
            connection.execute(
                insert(crew).values(
                    run_id=run_id,
                    role=role,
                    order_id=order_id,
                    version=version,
                    lanes=lanes,
                    state="working",
                    **counts,
                )
            )
        return Post(self._database, self._clock, run_id, handle)

    def sign_on_engine(self, number: int) -> None:
        """So that the next process of this host knows whose jobs are free, should this one die."""
        folder = muster.folder_of(self._database.path)
        muster.sign_on(folder, f"{_ENGINE}{number}")  # held until the process ends

    def _note_fallen(self, names: Sequence[str]) -> None:
        """The next burial finds what they left."""
        run_ids = [name for name in names if not name.startswith(_ENGINE)]
        engines = [int(name.removeprefix(_ENGINE)) for name in names if name not in run_ids]
        with self._database.alone() as connection:
            free_jobs_of(connection, engines)
            now = stamp(self._database.now(connection, self._clock.now()))
            gone = update(runs).where(runs.c.run_id.in_(run_ids), runs.c.ended_at.is_(None))
            connection.execute(gone.values(ended_at=now))
            led = update(leases).where(leases.c.run_id.in_(run_ids))
            connection.execute(led.values(until=""))

    def members(self) -> list[Member]:
        """Who is alive, the oldest first."""
        with self._database.reading() as connection:
            now = self._database.now(connection, self._clock.now())
            leader = _leader(connection)
            found = (
                select(runs, crew)
                .join(crew, crew.c.run_id == runs.c.run_id)
                .where(runs.c.ended_at.is_(None), runs.c.heartbeat_at > stamp(now - DEAD_AFTER))
                .order_by(runs.c.started_at)
            )
            return [_member(row, leader) for row in connection.execute(found)]

    def bury_the_dead(self) -> Recovery:
        """Settle what dead members left: claims are given back, dials without an answer are in
        doubt. Calls that were placed are followed by whoever gets the next job about them."""
        with self._database.alone() as connection:
            now = self._database.now(connection, self._clock.now())
            silent = update(runs).where(
                runs.c.ended_at.is_(None), runs.c.heartbeat_at <= stamp(now - DEAD_AFTER)
            )
            connection.execute(silent.values(ended_at=stamp(now)))
            left = (
                select(
                    attempts.c.attempt_id, attempts.c.campaign, attempts.c.phone, attempts.c.state
                )
                .outerjoin(runs, runs.c.run_id == attempts.c.run_id)
                .where(
                    IS_OPEN,
                    attempts.c.state.in_((AttemptState.CLAIMED.value, AttemptState.DIALING.value)),
                    runs.c.run_id.is_(None) | runs.c.ended_at.is_not(None),
                )
            )
            rows = connection.execute(left).all()
            for row in rows:
                _settle(connection, row, stamp(now))
            free_jobs_of_the_dead(connection)
        in_doubt = sum(row.state == AttemptState.DIALING for row in rows)
        return Recovery(len(rows) - in_doubt, in_doubt)

    def take_lead(self, run_id: str) -> bool:
        """Whether this member leads, from now for `LEADS_FOR` at most."""
        with self._database.at_a_glance() as connection:
            if _leader(connection) not in ("", run_id):
                return False  # most are told so without keeping anybody waiting
        with self._database.alone() as connection:
            if _leader(connection) not in ("", run_id):
                return False
            now = self._database.now(connection, self._clock.now())
            values = {"run_id": run_id, "until": stamp(now + LEADS_FOR)}
            put = upsert(connection, leases).values(name="leader", **values)
            connection.execute(put.on_conflict_do_update(index_elements=["name"], set_=values))
            return True

    def adopt(self, attempt_id: str, run_id: str) -> bool:
        """Take over an open attempt of a dead member. False: somebody alive has it."""
        dead = select(runs.c.run_id).where(runs.c.ended_at.is_(None))
        taken = (
            update(attempts)
            .where(attempts.c.attempt_id == attempt_id, IS_OPEN, attempts.c.run_id.not_in(dead))
            .values(run_id=run_id)
        )
        with self._database.transaction() as connection:
            return connection.execute(taken).rowcount == 1


def _settle(connection: Connection, row: Any, now: str) -> None:
    is_lost = row.state == AttemptState.DIALING
    values = (
        {"state": AttemptState.UNKNOWN.value, "error": LOST, "error_category": "ambiguous"}
        if is_lost
        else {"state": AttemptState.RELEASED.value, "ended_at": now}
    )
    connection.execute(
        update(attempts).where(attempts.c.attempt_id == row.attempt_id).values(**values)
    )
    connection.execute(
        update(contacts)
        .where(contacts.c.campaign == row.campaign, contacts.c.phone == row.phone)
        .values(
            state="needs_review" if is_lost else "pending",
            reason=f"may have rung: {LOST}" if is_lost else "",
        )
    )


def _leader(connection: Connection) -> str:
    """Its run_id; empty: nobody leads."""
    asked = select(leases, func.clock_timestamp().label("now")).where(leases.c.name == "leader")
    row = connection.execute(asked).first()
    return row.run_id if row is not None and row.until > stamp(row.now) else ""


def _member(row: Row[Any], leader: str) -> Member:
    return Member(
        run_id=row.run_id,
        role=row.role,
        campaign=row.campaign,
        host=row.host,
        pid=row.pid,
        version=row.version,
        lanes=row.lanes,
        state=row.state,
        started_at=datetime.fromisoformat(row.started_at),
        seen_at=datetime.fromisoformat(row.heartbeat_at),
        dialled=row.dialled,
        is_leader=row.run_id == leader,
    )
