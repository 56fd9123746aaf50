"""What the ledger tells `status`, `report` and the closing summary. Reads only."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import ContactState, RejectedRow
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.files import NEVER
from callagent_cli.ledger.overview import Overview, read_overview
from callagent_cli.ledger.records import AttemptRow, CallFigures, ContactRow
from callagent_cli.ledger.schema import (
    IS_WAITING,
    attempts,
    call_counts,
    campaigns,
    contact_counts,
    contacts,
    rejected,
)
from callagent_cli.ledger.standings import contact_of, due_time

_PAGE = 500  # contacts read at a time


class Readings:
    _database: Database
    _is_run_on: Callable[[], bool]

    def campaign_exists(self, campaign: str) -> bool:
        return campaign in self.campaign_names()

    def campaign_names(self) -> list[str]:
        with self._database.reading() as connection:
            return list(
                connection.scalars(select(campaigns.c.campaign).order_by(campaigns.c.created_at))
            )

    def totals(self, campaign: str) -> dict[str, int]:
        """Contact state → contacts."""
        counted = (
            select(contact_counts.c.state, contact_counts.c.contacts)
            .where(contact_counts.c.campaign == campaign, contact_counts.c.contacts > 0)
            .order_by(contact_counts.c.state)
        )
        with self._database.reading() as connection:
            return {str(state): int(n) for state, n in connection.execute(counted)}

    def dispositions(self, campaign: str) -> dict[str, int]:
        """Disposition → calls that ended so."""
        counted = (
            select(call_counts.c.disposition, call_counts.c.attempts)
            .where(call_counts.c.campaign == campaign, call_counts.c.attempts > 0)
            .where(call_counts.c.disposition != "")
            .order_by(call_counts.c.disposition)
        )
        with self._database.reading() as connection:
            return {str(disposition): int(n) for disposition, n in connection.execute(counted)}

    def cost_usd(self, campaign: str) -> float | None:
        """What the provider has reported so far; None when it reported nothing."""
        summed = select(func.sum(call_counts.c.priced), func.sum(call_counts.c.cost_usd)).where(
            call_counts.c.campaign == campaign
        )
        with self._database.reading() as connection:
            priced, total = connection.execute(summed).one()
        return round(float(total), 6) if priced else None  # a sum of floats has dust

    def failures(self, campaign: str) -> list[tuple[str, str, int]]:
        """(error, `transient` or `permanent`, contacts) of those that failed."""
        counted = (
            select(contacts.c.reason, contacts.c.is_transient, func.count())
            .where(contacts.c.campaign == campaign, contacts.c.state == ContactState.FAILED)
            .group_by(contacts.c.reason, contacts.c.is_transient)
            .order_by(func.count().desc())
        )
        with self._database.reading() as connection:
            return [
                (reason, "transient" if is_transient else "permanent", n)
                for reason, is_transient, n in connection.execute(counted)
            ]

    def calls_of(self, campaign: str, phone: str) -> list[tuple[datetime, str]]:
        """When each call to a contact began and how it ended, oldest first."""
        ended = (
            select(attempts.c.started_at, attempts.c.disposition)
            .where(
                attempts.c.campaign == campaign,
                attempts.c.phone == phone,
                attempts.c.disposition.is_not(None),
                attempts.c.started_at.is_not(None),
            )
            .order_by(attempts.c.attempt_no)
        )
        with self._database.reading() as connection:
            rows = connection.execute(ended).all()
        return [(datetime.fromisoformat(row.started_at), row.disposition) for row in rows]

    def spent_since(self, began: datetime) -> tuple[int, float]:
        """Calls begun since then, in every campaign, and USD that those that ended cost."""
        since = select(func.count(), func.coalesce(func.sum(attempts.c.cost_usd), 0.0)).where(
            attempts.c.claimed_at >= stamp(began), attempts.c.conversation_id.is_not(None)
        )
        with self._database.reading() as connection:
            calls, cost_usd = connection.execute(since).one()
        return int(calls), float(cost_usd)

    def call_figures(self, campaign: str) -> CallFigures:
        """Calls that ended, how many were answered, and what those took."""
        answered = attempts.c.disposition == Disposition.ANSWERED.value
        ended = attempts.c.campaign == campaign, attempts.c.disposition.is_not(None)
        sums = (func.sum(attempts.c.duration_s), func.sum(attempts.c.cost_usd))
        with self._database.reading() as connection:
            calls = connection.execute(select(func.count()).where(*ended)).scalar_one()
            of_answered = select(func.count(), *sums).where(*ended, answered)
            n, talk_s, cost_usd = connection.execute(of_answered).one()
        return CallFigures(calls, n, talk_s or 0.0, cost_usd or 0.0)

    def next_due_at(self, campaign: str, now: datetime) -> datetime | None:
        """When the next waiting contact is due; `now` when one is already; None: nobody is."""
        first = select(func.min(contacts.c.due_at)).where(
            contacts.c.campaign == campaign, IS_WAITING
        )
        with self._database.reading() as connection:
            due_at = connection.execute(first).scalar_one()
        if due_at is None or due_at == NEVER:
            return None
        return max(unstamp(due_at) or now, now)

    def due_later(self, campaign: str, now: datetime) -> int:
        """Contacts to be called again at a later time."""
        counted = select(func.count()).where(
            contacts.c.campaign == campaign,
            contacts.c.state == ContactState.DEFERRED,
            IS_WAITING,  # lets the index of what is due serve
            contacts.c.due_at > stamp(now),
        )
        with self._database.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    def held_without_date(self, campaign: str) -> int:
        """Contacts that are held until a person adds what is missing."""
        counted = select(func.count()).where(
            contacts.c.campaign == campaign, IS_WAITING, contacts.c.due_at == NEVER
        )
        with self._database.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    def overview(self) -> Overview:
        """How all campaigns stand."""
        with self._database.reading() as connection:
            return read_overview(
                lambda sql: connection.exec_driver_sql(sql).all(), is_run_on=self._is_run_on()
            )

    def contact_rows(self, campaign: str) -> Iterator[ContactRow]:
        """Every contact with its attempts, in the file's order, a page at a time."""
        last = 0
        while page := self._contact_page(campaign, last):
            by_phone = self._attempts_of(campaign, [row.phone for row in page])
            for row in page:
                yield _contact_row(row, by_phone.get(row.phone, ()))
            last = page[-1].position

    def contact_row(self, campaign: str, phone: str) -> ContactRow | None:
        """One contact with its attempts; None when the campaign does not know the number."""
        found = select(contacts).where(contacts.c.campaign == campaign, contacts.c.phone == phone)
        with self._database.reading() as connection:
            row = connection.execute(found).first()
        if row is None:
            return None
        return _contact_row(row, self._attempts_of(campaign, [phone]).get(phone, ()))

    def _contact_page(self, campaign: str, after: int) -> list[Row[tuple[object, ...]]]:
        page = (
            select(contacts)
            .where(contacts.c.campaign == campaign, contacts.c.position > after)
            .order_by(contacts.c.position)
            .limit(_PAGE)
        )
        with self._database.reading() as connection:
            return list(connection.execute(page))

    def _attempts_of(self, campaign: str, phones: list[str]) -> dict[str, list[AttemptRow]]:
        found = (
            select(attempts)
            .where(attempts.c.campaign == campaign, attempts.c.phone.in_(phones))
            .order_by(attempts.c.attempt_no)
        )
        by_phone: dict[str, list[AttemptRow]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(found):
                by_phone.setdefault(row.phone, []).append(_attempt_row(row))
        return by_phone

    def rejected_rows(self, campaign: str) -> Iterator[RejectedRow]:
        listed = select(rejected).where(rejected.c.campaign == campaign).order_by(rejected.c.no)
        with self._database.reading() as connection:
            rows = list(connection.execute(listed))
        for row in rows:
            yield RejectedRow(row.line, row.column_name, row.value, row.reason, row.fix)


def _contact_row(row: Row[Any], attempts_made: Sequence[AttemptRow]) -> ContactRow:
    return ContactRow(
        contact=contact_of(row),
        state=row.state,
        disposition=row.disposition,
        next_at=due_time(row.due_at),
        reason=row.reason,
        attempts=tuple(attempts_made),
    )


def _attempt_row(row: Row[tuple[object, ...]]) -> AttemptRow:
    return AttemptRow(
        attempt_id=row.attempt_id,
        attempt_no=row.attempt_no,
        state=row.state,
        conversation_id=row.conversation_id,
        started_at=unstamp(row.started_at),
        ended_at=unstamp(row.ended_at),
        disposition=row.disposition,
        error=row.error,
        error_category=row.error_category,
        cost_usd=row.cost_usd,
        duration_s=row.duration_s,
        summary=row.summary or "",
        evidence=row.evidence or {},
        collected=row.collected or {},
        looked_up=row.looked_up,
        resolved_by=row.resolved_by or "",
        note=row.note or "",
    )
