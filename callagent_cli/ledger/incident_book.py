"""Outages that a person was told of, across runs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from callagent_cli.domain.alert import Incident
from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.outbox import Message, write_owed
from callagent_cli.ledger.schema import incidents

_IS_OPEN = incidents.c.closed_at.is_(None)


class IncidentBook:
    _database: Database
    _clock: Clock

    def open_incidents(self) -> list[Incident]:
        with self._database.reading() as connection:
            rows = connection.execute(select(incidents).where(_IS_OPEN).order_by(incidents.c.id))
            return [_incident(row) for row in rows]

    def record_incidents(self, standing: Sequence[Incident], owed: Iterable[Message]) -> None:
        """standing: all that are open; others end. With the alerts owed about them, or not at
        all."""
        now = self._clock.now()
        with self._database.alone() as connection:
            _close_others(connection, standing, now)
            for incident in standing:
                _write(connection, incident)
            write_owed(connection, owed, now)


def _close_others(connection: Connection, standing: Sequence[Incident], now: datetime) -> None:
    services = [incident.service for incident in standing]
    over = update(incidents).where(_IS_OPEN, incidents.c.service.not_in(services))
    connection.execute(over.values(closed_at=stamp(now)))


def _write(connection: Connection, incident: Incident) -> None:
    values = {
        "is_refusal": incident.is_refusal,
        "told_at": stamp(incident.told_at),
        "error": incident.error,
        "repeats": incident.repeats,
        "counts": dict(incident.counts),
    }
    known = update(incidents).where(_IS_OPEN, incidents.c.service == incident.service)
    if connection.execute(known.values(**values)).rowcount == 0:
        opened = {"service": incident.service, "opened_at": stamp(incident.opened_at)}
        connection.execute(insert(incidents).values(**values, **opened))


def _incident(row: Row[tuple[object, ...]]) -> Incident:
    return Incident(
        service=row.service,
        is_refusal=row.is_refusal,
        opened_at=datetime.fromisoformat(row.opened_at),
        told_at=datetime.fromisoformat(row.told_at),
        error=row.error,
        repeats=row.repeats,
        counts=row.counts,
    )
