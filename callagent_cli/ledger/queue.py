"""What the engine is to hand out: a short queue, fed in the ledger's order.

The engine's tables stand in the ledger's own schema, so that a job is there as soon as, and only
if, the fact that made it due is. A job says which contact, never whether: whoever gets it asks
the ledger. So a job that is lost is fed again, and one that comes twice changes nothing.
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Boolean, Connection, literal_column, text

from callagent_cli.domain.call import OPEN_STATES
from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.fleet_records import QueueDepth
from callagent_cli.ledger.schema import WAITING
from callagent_cli.ledger.shared_lease import DEAD_AFTER

SOON = timedelta(seconds=60)  # the engine knows when; what is due later waits in the ledger
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
_KEY = "c.campaign || ':' || c.position"
_PUT = """
INSERT INTO procrastinate_jobs
  (queue_name, task_name, lock, queueing_lock, args, priority, scheduled_at)
"""
_AS_JOB = f"c.campaign, 'attend', {_KEY}, {_KEY}, " + (
    "jsonb_build_object('campaign', c.campaign, 'position', c.position)"
)
_ONCE = "ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING"
# of an order's campaign something waits for a hand that `_TAKE_UP` has put there
IS_URGENT = literal_column(
    "EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.status = 'todo' AND j.priority > 0 "
    "AND j.queue_name = orders.campaign)",
    Boolean,
)
_NOT_QUEUED = f"""
NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
            WHERE j.queueing_lock = {_KEY} AND j.status = 'todo')
AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                WHERE j.lock = {_KEY} AND j.status = 'doing')
"""  # noqa: S608

_IS_MEANT = """(CAST(:only AS jsonb) IS NULL OR jsonb_exists(CAST(:only AS jsonb), c.id)
       OR jsonb_exists(CAST(:only AS jsonb), c.phone))"""

# the next contacts that are due within a minute, whose number no open attempt has
_FEED = f"""{_PUT}
SELECT {_AS_JOB}, 0, NULLIF(c.due_at, '')::timestamptz FROM contacts c
WHERE c.campaign = :campaign AND c.state IN ({WAITING}) AND c.due_at <= :soon
  AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.phone = c.phone AND a.state IN ({_OPEN}))
  AND {_IS_MEANT}
  AND {_NOT_QUEUED}
ORDER BY c.due_at, c.position LIMIT :room {_ONCE}
"""  # noqa: S608 - constants of this program

# calls and doubts that nobody looks after: of dead runs, or due for a look at the provider
_TAKE_UP = f"""{_PUT}
SELECT {_AS_JOB}, 10, NULL FROM attempts a
JOIN contacts c ON c.campaign = a.campaign AND c.phone = a.phone
LEFT JOIN runs r ON r.run_id = a.run_id
WHERE a.state IN ({_OPEN}) AND a.campaign = :campaign AND {_NOT_QUEUED} AND (
  (a.state = 'placed' AND (r.run_id IS NULL OR r.ended_at IS NOT NULL OR r.heartbeat_at < :dead))
  OR (a.state = 'unknown' AND a.looked_up < :looks
      AND coalesce(a.last_looked_at, a.started_at, a.claimed_at)::timestamptz
          + (CAST(:pauses AS float[]))[a.looked_up + 1] * interval '1 s' <= clock_timestamp()))
ORDER BY a.claimed_at LIMIT :room {_ONCE}
"""  # noqa: S608

# `a` sorts after every time and before `never`
_BUSY = f"""
SELECT EXISTS (SELECT 1 FROM contacts c WHERE c.campaign = :campaign AND c.state IN ({WAITING})
    AND c.due_at <= :now AND {_IS_MEANT}
    AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.phone = c.phone AND a.state IN ({_OPEN})
                    AND a.campaign <> c.campaign))
  OR EXISTS (SELECT 1 FROM attempts a WHERE a.campaign = :campaign AND a.state IN ({_OPEN})
    AND (a.state <> 'unknown' OR a.looked_up < :looks))
"""  # noqa: S608
_DEPTH = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :campaign"
_STALLED = """
SELECT j.id FROM procrastinate_jobs j
LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
WHERE j.status = 'doing'
  AND (w.id IS NULL OR w.last_heartbeat < clock_timestamp() - :silent * interval '1 s')
"""
_DROP = text("DELETE FROM procrastinate_jobs WHERE id = :id AND status = 'doing'")


_OF_THE_DEAD = text(
    f"""
DELETE FROM procrastinate_jobs j USING attempts a, contacts c
WHERE a.state IN ({_OPEN}) AND c.campaign = a.campaign AND c.phone = a.phone
  AND j.status = 'doing' AND j.lock = {_KEY} AND NOT EXISTS
    (SELECT 1 FROM runs r WHERE r.run_id = a.run_id AND r.ended_at IS NULL)
"""  # noqa: S608
)


class Queue:
    _database: Database
    _clock: Clock

    def feed(
        self,
        campaign: str,
        *,
        most: int,
        only: Sequence[str] | None = None,
        look_up_pauses_s: Sequence[float] = (),
    ) -> int:
        """Let up to `most` jobs of a campaign wait for a hand; returns how many were added.

        look_up_pauses_s: before the first, second … look for an attempt in doubt.
        """
        with self._database.aside() as connection:
            waiting = int(connection.execute(text(_DEPTH), {"campaign": campaign}).scalar_one())
            room = most - waiting
            now = self._database.now(connection, self._clock.now())
            taken_up = connection.execute(
                text(_TAKE_UP),
                {
                    "campaign": campaign,
                    "dead": stamp(now - DEAD_AFTER),
                    "looks": len(look_up_pauses_s),
                    "pauses": list(look_up_pauses_s),
                    "room": most,
                },
            ).rowcount
            if room <= most // 2:
                return taken_up
            found = {
                "campaign": campaign,
                "soon": stamp(now + SOON),
                "only": None if only is None else json.dumps(list(only)),
                "room": room,
            }
            return taken_up + connection.execute(text(_FEED), found).rowcount

    def drop_stalled(self, silent_s: float) -> int:
        """Take jobs from the hands of workers that have died; returns how many."""
        with self._database.aside() as connection:
            stalled = connection.execute(text(_STALLED), {"silent": silent_s}).all()
            for job in stalled:  # the ledger feeds it again where there is anything left to do
                connection.execute(_DROP, {"id": job.id})
        return len(stalled)

    def is_idle(self, campaign: str, *, looks: int, only: Sequence[str] | None = None) -> bool:
        """Whether nothing of a campaign is due now: nobody to call, no call to follow, no doubt
        to look up, `looks` times at most."""
        asked = {
            "campaign": campaign,
            "looks": looks,
            "only": None if only is None else json.dumps(list(only)),
        }
        with self._database.reading() as connection:
            now = self._database.now(connection, self._clock.now())
            found = connection.execute(text(_BUSY), {**asked, "now": stamp(now)})
            return not found.scalar_one()

    def is_settled(self, campaign: str, *, looks: int) -> bool:
        """Whether time alone brings nothing more of a campaign."""
        with self._database.reading() as connection:
            return is_settled(connection, campaign, looks)

    def depths(self) -> list[QueueDepth]:
        counted = text(
            "SELECT queue_name, count(*) FILTER (WHERE status = 'todo') AS waiting, "
            "count(*) FILTER (WHERE status = 'doing') AS in_hand FROM procrastinate_jobs "
            "WHERE status IN ('todo', 'doing') GROUP BY queue_name ORDER BY queue_name"
        )
        with self._database.reading() as connection:
            return [QueueDepth(*row) for row in connection.execute(counted)]


def is_settled(connection: Connection, campaign: str, looks: int) -> bool:
    """Inside the caller's transaction."""
    asked = {"campaign": campaign, "looks": looks, "only": None, "now": "a"}
    return not connection.execute(text(_BUSY), asked).scalar_one()


def forget_jobs(connection: Connection, campaign: str) -> None:
    """Inside the caller's transaction: nobody gets what is waiting."""
    waiting = "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :campaign"
    connection.execute(text(waiting), {"campaign": campaign})


def free_jobs_of_the_dead(connection: Connection) -> None:
    """Inside the caller's transaction, once `runs` says who is dead: jobs about attempts that
    they left open."""
    connection.execute(_OF_THE_DEAD)


def free_jobs_of(connection: Connection, engines: Sequence[int]) -> None:
    """Inside the caller's transaction: jobs in the hands of engines that are gone."""
    gone = text("DELETE FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY(:gone)")
    connection.execute(gone, {"gone": list(engines)})
