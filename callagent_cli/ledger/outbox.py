"""Messages owed to CRM, sheet and alert channels, committed with the fact they report."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, Update, func, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.delivery import Delivery
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.schema import messages
from callagent_cli.ledger.upsert import upsert


@dataclass(frozen=True, slots=True)
class Message:
    """key: stable and unique per destination, so that a message is owed once."""

    destination: str
    key: str
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OwedMessage:
    """A message as a person looks at it."""

    id: int
    destination: str
    key: str
    state: str  # owed, sent, dead, dropped
    created_at: datetime
    tries: int
    last_error: str
    next_at: datetime | None  # None: as soon as its destination takes something

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "destination": self.destination,
            "key": self.key,
            "state": self.state,
            "created_at": _iso(self.created_at),
            "tries": self.tries,
            "last_error": self.last_error or None,
            "next_at": _iso(self.next_at) if self.next_at else None,
        }


@dataclass(frozen=True, slots=True)
class Due:
    """The head of a destination's queue. Without deliveries, `next_at` says when its oldest
    message may be tried again; None: nothing is owed."""

    ids: tuple[int, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    next_at: datetime | None = None


class Outbox:
    _database: Database
    _clock: Clock

    def owe(self, owed: Iterable[Message]) -> None:
        with self._database.transaction() as connection:
            write_owed(connection, owed, self._clock.now())

    def owed(self) -> int:
        """How many messages wait to be delivered."""
        return sum(self.owed_by_destination().values())

    def owed_by_destination(self, state: str = "owed") -> dict[str, int]:
        counted = (
            select(messages.c.destination, func.count().label("n"))
            .where(messages.c.state == state)
            .group_by(messages.c.destination)
            .order_by(messages.c.destination)
        )
        with self._database.reading() as connection:
            return {row.destination: row.n for row in connection.execute(counted)}

    def due(self, destination: str, now: datetime, *, most: int, early: bool = False) -> Due:
        """The oldest messages of a destination, in order: while the first waits, all wait.

        early: pay no heed to the time at which the first may be tried again.
        """
        oldest = _in_order(
            select(messages).where(
                messages.c.destination == destination, messages.c.state == "owed"
            )
        ).limit(most)
        with self._database.reading() as connection:
            rows = connection.execute(oldest).all()
        if not rows:
            return Due()
        if not early and rows[0].next_at and rows[0].next_at > stamp(now):
            return Due(next_at=unstamp(rows[0].next_at))
        return Due(tuple(row.id for row in rows), tuple(map(_delivery, rows)))

    def mark_trying(self, ids: Collection[int]) -> None:
        """Before a request leaves: whatever becomes of it, the next one asks first."""
        self._mark(ids, tries=messages.c.tries + 1)

    def take_back(self, ids: Collection[int], error: str) -> None:
        """The try that was written down did not reach the destination, for certain."""
        self._mark(ids, tries=messages.c.tries - 1, last_error=error)

    def mark_sent(self, ids: Collection[int]) -> None:
        """Delivered. What it said is not kept: its destination has it."""
        self._mark(
            ids, state="sent", last_error=None, next_at=None, payload={}, ended_at=self._now
        )

    def mark_failed(self, ids: Collection[int], error: str, next_at: datetime) -> None:
        self._mark(ids, last_error=error, next_at=stamp(next_at))

    def mark_dead(self, ids: Collection[int], error: str) -> None:
        self._mark(ids, state="dead", last_error=error, next_at=None, ended_at=self._now)

    def revive(self, ids: Collection[int] | None = None) -> int:
        """Dead letters are owed again; all of them without `ids`. Returns how many."""
        again = {"state": "owed", "next_at": None, "ended_at": None}
        return self._move(update(messages).values(**again), ("dead",), ids)

    def drop(self, ids: Collection[int]) -> int:
        """A person gives them up. Returns how many there were."""
        gone = {"state": "dropped", "payload": {}, "ended_at": self._now}
        return self._move(update(messages).values(**gone), ("dead", "owed"), ids)

    def list_messages(self, *states: str, most: int | None = None) -> list[OwedMessage]:
        listed = _in_order(select(messages).where(messages.c.state.in_(states))).limit(most)
        with self._database.reading() as connection:
            return [_owed_message(row) for row in connection.execute(listed)]

    def messages_of(self, attempt_id: str) -> list[OwedMessage]:
        """Whatever is or was owed about one attempt."""
        about = messages.c.key.startswith(f"{attempt_id}:", autoescape=True)
        with self._database.reading() as connection:
            rows = connection.execute(_in_order(select(messages).where(about)))
            return [_owed_message(row) for row in rows]

    @property
    def _now(self) -> str:
        return stamp(self._clock.now())

    def _mark(self, ids: Collection[int], **values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(update(messages).where(messages.c.id.in_(ids)).values(**values))

    def _move(self, change: Update, before: Sequence[str], ids: Collection[int] | None) -> int:
        chosen = change.where(messages.c.state.in_(before))
        if ids is not None:
            chosen = chosen.where(messages.c.id.in_(ids))
        with self._database.transaction() as connection:
            return connection.execute(chosen).rowcount


def write_owed(connection: Connection, owed: Iterable[Message], now: datetime) -> None:
    """Inside the caller's transaction. A key that is already owed is not owed twice, not by two
    processes at the same moment either."""
    for message in owed:
        put = upsert(connection, messages).values(
            destination=message.destination,
            key=message.key,
            payload=dict(message.payload),
            state="owed",
            created_at=stamp(now),
            tries=0,
        )
        connection.execute(put.on_conflict_do_nothing(index_elements=["destination", "key"]))


def _in_order(chosen: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    return chosen.order_by(messages.c.id)


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(row.key, row.payload, datetime.fromisoformat(row.created_at), row.tries)


def _owed_message(row: Row[tuple[object, ...]]) -> OwedMessage:
    return OwedMessage(
        id=row.id,
        destination=row.destination,
        key=row.key,
        state=row.state,
        created_at=datetime.fromisoformat(row.created_at),
        tries=row.tries,
        last_error=row.last_error or "",
        next_at=unstamp(row.next_at),
    )


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
