"""Attempts that are not over: calls to follow, and attempts in doubt, settled by a person."""

from collections.abc import Callable, Iterable

from sqlalchemy import Row, select, update

from callagent_cli.domain.call import AttemptState, Claim, Disposition, Outcome, Ticket
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import InputError, LedgerError
from callagent_cli.ledger.contact_book import move_contact
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.outbox import Message, write_owed
from callagent_cli.ledger.records import DoubtfulAttempt, NextStep, PlacedCall
from callagent_cli.ledger.schema import IS_OPEN, attempts, contacts
from callagent_cli.ledger.standings import contact_of

WITH_CONTACT = (attempts.c.campaign == contacts.c.campaign) & (
    attempts.c.phone == contacts.c.phone
)

Owing = Callable[[Ticket, Outcome], Iterable[Message]]


def _nothing(ticket: Ticket, outcome: Outcome) -> Iterable[Message]:
    del ticket, outcome
    return ()


class OpenAttempts:
    _database: Database
    _clock: Clock

    def placed_calls(self, campaign: str) -> list[PlacedCall]:
        """Calls that the provider has and nobody has followed to their end."""
        return [
            PlacedCall(ticket_of(row), row.conversation_id)
            for row in self._open(AttemptState.PLACED, campaign)
        ]

    def in_doubt(self, campaign: str | None = None) -> list[DoubtfulAttempt]:
        """Attempts that may have rung, oldest first."""
        return [
            DoubtfulAttempt(
                ticket_of(row), row.error or "", row.looked_up, unstamp(row.last_looked_at)
            )
            for row in self._open(AttemptState.UNKNOWN, campaign)
        ]

    def resolve(
        self, attempt_id: str, *, called: bool, by: str, note: str, owing: Owing = _nothing
    ) -> None:
        """Settle an attempt in doubt, by a named person. owing: what a call that was made owes."""
        state = AttemptState.COMPLETED if called else AttemptState.REFUSED
        settled = (
            update(attempts)
            .where(attempts.c.attempt_id == attempt_id)
            .values(
                state=state.value,
                disposition="unknown" if called else None,
                ended_at=stamp(self._clock.now()),
                resolved_by=by,
                note=note,
            )
        )
        with self._database.transaction() as connection:
            found = select(attempts, contacts).join(contacts, WITH_CONTACT)
            row = connection.execute(found.where(attempts.c.attempt_id == attempt_id)).first()
            if row is None or row.state != AttemptState.UNKNOWN:
                raise InputError(
                    f"{attempt_id} is not in doubt" if row else f"no attempt {attempt_id}",
                    hint="`callagent review` lists the attempts in doubt",
                )
            connection.execute(settled)
            step = (
                NextStep(ContactState.COMPLETED, reason=f"called, says {by}")
                if called
                else NextStep(ContactState.PENDING, reason=f"not called, says {by}")
            )
            move_contact(connection, row.campaign, row.phone, step)
            if called:
                now = self._clock.now()
                outcome = Outcome(Disposition.UNKNOWN, now, summary=f"called, says {by}")
                write_owed(connection, owing(ticket_of(row), outcome), now)

    def _open(self, state: AttemptState, campaign: str | None) -> list[Row[tuple[object, ...]]]:
        found = (
            select(attempts, contacts)
            .join(contacts, WITH_CONTACT)
            .where(IS_OPEN, attempts.c.state == state.value)
            .order_by(attempts.c.claimed_at)
        )
        if campaign is not None:
            found = found.where(attempts.c.campaign == campaign)
        with self._database.reading() as connection:
            return list(connection.execute(found))


def ticket_of(row: Row[tuple[object, ...]]) -> Ticket:
    """From a row of `attempts` joined with its contact; the intent is long on disk."""
    claim = Claim(row.attempt_id, row.attempt_no, row.campaign, contact_of(row), 0)
    started_at = unstamp(row.started_at or row.claimed_at)
    if started_at is None:
        raise LedgerError(f"attempt {row.attempt_id} has no time", hint="restore a backup")
    return Ticket(claim, started_at, crm_id=str((row.evidence or {}).get("crm_id", "")))
