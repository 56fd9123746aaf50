"""What the ledger tells a report beside the readings that other screens share. Reads only."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, or_, select

from callagent_cli.domain.alert import AlertKind
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.records import AlertRow, EndedCall, IncidentRow, RunRow
from callagent_cli.ledger.schema import attempts, contacts, incidents, messages, runs

_IS_OF_CONTACT = and_(
    contacts.c.campaign == attempts.c.campaign, contacts.c.phone == attempts.c.phone
)


class ReportReadings:
    _database: Database

    def ended_calls(self, campaign: str) -> Iterator[EndedCall]:
        """Every call that has a disposition, in no order, one at a time."""
        ended = (
            select(
                attempts.c.attempt_no,
                attempts.c.started_at,
                attempts.c.disposition,
                attempts.c.cost_usd,
                attempts.c.phone,
                attempts.c.evidence["zones"].label("zones"),
                contacts.c.timezone,
            )
            .outerjoin_from(attempts, contacts, _IS_OF_CONTACT)
            .where(attempts.c.campaign == campaign, attempts.c.disposition.is_not(None))
        )
        with self._database.reading() as connection:
            for row in connection.execute(ended):
                yield EndedCall(
                    attempt_no=row.attempt_no,
                    started_at=unstamp(row.started_at),
                    disposition=row.disposition,
                    cost_usd=row.cost_usd,
                    phone=row.phone,
                    timezone=row.timezone or "",
                    zones=tuple(row.zones or ()),
                )

    def ended_call_count(self, campaign: str) -> int:
        counted = select(func.count()).where(
            attempts.c.campaign == campaign, attempts.c.disposition.is_not(None)
        )
        with self._database.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    def runs_of(self, campaign: str) -> list[RunRow]:
        """Oldest first."""
        listed = select(runs).where(runs.c.campaign == campaign).order_by(runs.c.started_at)
        with self._database.reading() as connection:
            rows = connection.execute(listed).all()
        return [run_row(row) for row in rows]

    def incidents_between(self, begin: datetime, end: datetime) -> list[IncidentRow]:
        """Outages that a part of this time fell into, oldest first."""
        listed = (
            select(incidents)
            .where(
                incidents.c.opened_at <= stamp(end),
                or_(incidents.c.closed_at.is_(None), incidents.c.closed_at >= stamp(begin)),
            )
            .order_by(incidents.c.opened_at)
        )
        with self._database.reading() as connection:
            rows = connection.execute(listed).all()
        return [
            IncidentRow(
                service=row.service,
                is_refusal=row.is_refusal,
                opened_at=datetime.fromisoformat(row.opened_at),
                closed_at=unstamp(row.closed_at),
                error=row.error,
                reminders=row.repeats,
            )
            for row in rows
        ]

    def alerts_between(self, begin: datetime, end: datetime) -> list[AlertRow]:
        """One for each channel that an alert was owed to, oldest first. A message of a CRM or
        a sheet is none: its key does not begin with an alert's kind."""
        listed = (
            select(messages.c.created_at, messages.c.key, messages.c.destination, messages.c.state)
            .where(
                messages.c.created_at >= stamp(begin),
                messages.c.created_at <= stamp(end),
                or_(*[messages.c.key.startswith(f"{kind}:") for kind in AlertKind]),
            )
            .order_by(messages.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(listed).all()
        return [
            AlertRow(datetime.fromisoformat(row.created_at), row.key, row.destination, row.state)
            for row in rows
        ]


def run_row(row: Row[Any]) -> RunRow:
    return RunRow(
        run_id=row.run_id,
        started_at=datetime.fromisoformat(row.started_at),
        seen_at=datetime.fromisoformat(row.ended_at or row.heartbeat_at),
        ended_at=unstamp(row.ended_at),
        exit_status=row.exit_status,
    )
