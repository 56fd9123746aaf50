"""Messages owed to CRM, sheet and alert channels, committed with the fact they report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.schema import messages


@dataclass(frozen=True, slots=True)
class Message:
    """key: stable and unique per destination, so that a message is owed once."""

    destination: str
    key: str
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OwedMessage:
    id: int
    message: Message
    state: str  # owed, sent, dead
    tries: int
    last_error: str


class Outbox:
    _database: Database
    _clock: Clock

    def owe(self, owed: Iterable[Message]) -> None:
        with self._database.transaction() as connection:
            write_owed(connection, owed, self._clock.now())

    def owed(self) -> int:
        """How many messages wait to be delivered."""
        with self._database.reading() as connection:
            counted = select(func.count()).where(messages.c.state == "owed")
            return int(connection.execute(counted).scalar_one())

    def next_owed(self, destination: str, now: datetime) -> OwedMessage | None:
        """The oldest message of a destination, if it is due: order is kept."""
        oldest = (
            select(messages)
            .where(messages.c.destination == destination, messages.c.state == "owed")
            .order_by(messages.c.id)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(oldest).first()
        if row is None or (row.next_at and row.next_at > stamp(now)):
            return None
        return _owed_message(row)

    def mark_sent(self, message_id: int) -> None:
        self._mark(message_id, state="sent", last_error=None)

    def mark_failed(self, message_id: int, error: str, next_at: datetime) -> None:
        self._mark(message_id, last_error=error, next_at=stamp(next_at))

    def mark_dead(self, message_id: int, error: str) -> None:
        self._mark(message_id, state="dead", last_error=error)

    def list_messages(self, state: str) -> list[OwedMessage]:
        listed = select(messages).where(messages.c.state == state).order_by(messages.c.id)
        with self._database.reading() as connection:
            return [_owed_message(row) for row in connection.execute(listed)]

    def _mark(self, message_id: int, **values: str | None) -> None:
        marked = update(messages).where(messages.c.id == message_id)
        with self._database.transaction() as connection:
            connection.execute(marked.values(tries=messages.c.tries + 1, **values))


def write_owed(connection: Connection, owed: Iterable[Message], now: datetime) -> None:
    """Inside the caller's transaction. A key that is already owed is not owed twice."""
    for message in owed:
        known = select(messages.c.id).where(
            messages.c.destination == message.destination, messages.c.key == message.key
        )
        if connection.execute(known).first() is None:
            connection.execute(
                insert(messages).values(
                    destination=message.destination,
                    key=message.key,
                    payload=dict(message.payload),
                    state="owed",
                    created_at=stamp(now),
                    tries=0,
                )
            )


def _owed_message(row: object) -> OwedMessage:
    return OwedMessage(
        id=row.id,  # type: ignore[attr-defined]  # a row of `messages`
        message=Message(row.destination, row.key, row.payload),  # type: ignore[attr-defined]
        state=row.state,  # type: ignore[attr-defined]
        tries=row.tries,  # type: ignore[attr-defined]
        last_error=row.last_error or "",  # type: ignore[attr-defined]
    )
