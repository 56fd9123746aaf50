"""The attempt's life, one transaction a step. Every move is also checked by SQL triggers."""

import base64
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress

from sqlalchemy import Row, func, insert, select, update

from callagent_cli.domain.call import AttemptState, Claim, Outcome, Placed, Ticket
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import InputError, LedgerError
from callagent_cli.ledger.contact_book import contact_of, move_contact
from callagent_cli.ledger.database import Conflict, Database, stamp, unstamp
from callagent_cli.ledger.journal import Intent, Journal
from callagent_cli.ledger.outbox import Message, write_owed
from callagent_cli.ledger.records import Candidate, DoubtfulAttempt, NextStep, PlacedCall
from callagent_cli.ledger.schema import attempts, contacts

_WAITING = (ContactState.PENDING, ContactState.HELD, ContactState.DEFERRED)


def new_attempt_id() -> str:
    """Random, so that it says nothing about the person: `ca_` and 26 characters."""
    return "ca_" + base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]


class AttemptBook:
    _database: Database
    _journal: Journal
    _clock: Clock

    def claim(self, campaign: str, candidate: Candidate, run_id: str) -> Claim | None:
        """Lease a contact to this run; None when somebody else has the contact or the number."""
        contact, attempt_id = candidate.contact, new_attempt_id()
        earlier = select(func.count()).where(
            attempts.c.campaign == campaign, attempts.c.phone == contact.phone
        )
        try:
            with self._database.transaction() as connection:
                taken = connection.execute(
                    update(contacts)
                    .where(
                        contacts.c.campaign == campaign,
                        contacts.c.phone == contact.phone,
                        contacts.c.state.in_(_WAITING),
                    )
                    .values(state=ContactState.IN_PROGRESS.value, due_at="", reason="")
                )
                if taken.rowcount != 1:
                    return None
                attempt_no = int(connection.execute(earlier).scalar_one()) + 1
                connection.execute(
                    insert(attempts).values(
                        attempt_id=attempt_id,
                        campaign=campaign,
                        phone=contact.phone,
                        attempt_no=attempt_no,
                        state=AttemptState.CLAIMED.value,
                        run_id=run_id,
                        claimed_at=stamp(self._clock.now()),
                        looked_up=0,
                    )
                )
        except Conflict:  # the number has an open attempt in another campaign
            return None
        return Claim(attempt_id, attempt_no, campaign, contact, candidate.calls_made)

    def begin(self, claim: Claim, evidence: Mapping[str, object], *, run_id: str) -> Ticket:
        """Commit the intent to dial: the point of no return.

        First the ledger, then the journal. A crash between the two leaves an attempt in
        `dialing` that the ledger itself reports; the other order would leave a journal ahead of
        its ledger, which looks like a restored backup and stops every later run.
        """
        now = self._clock.now()
        self._move(
            claim.attempt_id,
            AttemptState.DIALING,
            started_at=stamp(now),
            evidence=dict(evidence),
            run_id=run_id,
        )
        contact = claim.contact
        try:
            self._journal.append(
                Intent(claim.attempt_id, claim.campaign, contact.phone, contact.id, now)
            )
        except OSError as error:
            ticket = Ticket(claim, now)
            why = f"the dial journal {self._journal.path} cannot be written: {error.strerror}"
            with suppress(LedgerError):  # nothing was sent; if even this fails, it is in doubt
                back = NextStep(ContactState.PENDING, reason=why)
                self.record_refused(ticket, error=why, category="transient", step=back)
            raise LedgerError(why, hint="free disk space or mend the folder's rights") from None
        return Ticket(claim, now)

    def release(self, claim: Claim, step: NextStep) -> None:
        """Give a claim back: nothing was sent."""
        self._close(claim, AttemptState.RELEASED, step)

    def record_placed(self, ticket: Ticket, placed: Placed) -> None:
        """The provider has the call; also for an attempt in doubt that was found."""
        claim = ticket.claim
        with self._database.transaction() as connection:
            connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == claim.attempt_id)
                .values(state=AttemptState.PLACED.value, conversation_id=placed.conversation_id)
            )
            move_contact(
                connection, claim.campaign, ticket.phone, NextStep(ContactState.IN_PROGRESS)
            )

    def record_refused(self, ticket: Ticket, *, error: str, category: str, step: NextStep) -> None:
        """Definitely no call."""
        self._close(
            ticket.claim, AttemptState.REFUSED, step, error=error, error_category=str(category)
        )

    def record_unknown(self, ticket: Ticket, *, error: str) -> None:
        """May have rung: nobody calls this contact until it is known."""
        step = NextStep(ContactState.NEEDS_REVIEW, reason=f"may have rung: {error}")
        claim = ticket.claim
        with self._database.transaction() as connection:
            connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == claim.attempt_id)
                .values(state=AttemptState.UNKNOWN.value, error=error, error_category="ambiguous")
            )
            move_contact(connection, claim.campaign, ticket.phone, step)

    def record_looked_up(self, ticket: Ticket) -> None:
        """The provider was asked for an attempt in doubt."""
        with self._database.transaction() as connection:
            connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == ticket.attempt_id)
                .values(
                    looked_up=attempts.c.looked_up + 1, last_looked_at=stamp(self._clock.now())
                )
            )

    def record_completed(
        self, ticket: Ticket, outcome: Outcome, step: NextStep, owed: Iterable[Message] = ()
    ) -> None:
        """The call has ended: attempt, contact and messages owed, all or nothing."""
        claim = ticket.claim
        with self._database.transaction() as connection:
            connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == claim.attempt_id)
                .values(
                    state=AttemptState.COMPLETED.value,
                    ended_at=stamp(outcome.ended_at),
                    disposition=outcome.disposition.value,
                    duration_s=outcome.duration_s,
                    cost_usd=outcome.cost_usd,
                    summary=outcome.summary,
                    error=outcome.error or None,
                    collected=dict(outcome.collected),
                )
            )
            move_contact(connection, claim.campaign, ticket.phone, step)
            connection.execute(
                update(contacts)
                .where(contacts.c.campaign == claim.campaign, contacts.c.phone == ticket.phone)
                .values(disposition=outcome.disposition.value)
            )
            write_owed(connection, owed, outcome.ended_at)

    def resolve(self, attempt_id: str, *, called: bool, by: str, note: str) -> None:
        """Settle an attempt in doubt, by a named person."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(attempts).where(attempts.c.attempt_id == attempt_id)
            ).first()
            if row is None or row.state != AttemptState.UNKNOWN:
                raise InputError(
                    f"{attempt_id} is not in doubt" if row else f"no attempt {attempt_id}",
                    hint="`callagent review` lists the attempts in doubt",
                )
            state = AttemptState.COMPLETED if called else AttemptState.REFUSED
            connection.execute(
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
            step = (
                NextStep(ContactState.COMPLETED, reason=f"called, says {by}")
                if called
                else NextStep(ContactState.PENDING, reason=f"not called, says {by}")
            )
            move_contact(connection, row.campaign, row.phone, step)

    def placed_calls(self, campaign: str) -> list[PlacedCall]:
        """Calls that the provider has and nobody has followed to their end."""
        return [
            PlacedCall(_ticket(row), row.conversation_id)
            for row in self._open(AttemptState.PLACED, campaign)
        ]

    def in_doubt(self, campaign: str | None = None) -> list[DoubtfulAttempt]:
        """Attempts that may have rung, oldest first."""
        return [
            DoubtfulAttempt(
                _ticket(row), row.error or "", row.looked_up, unstamp(row.last_looked_at)
            )
            for row in self._open(AttemptState.UNKNOWN, campaign)
        ]

    def _open(self, state: AttemptState, campaign: str | None) -> list[Row[tuple[object, ...]]]:
        joined = (attempts.c.campaign == contacts.c.campaign) & (
            attempts.c.phone == contacts.c.phone
        )
        found = (
            select(attempts, contacts)
            .join(contacts, joined)
            .where(attempts.c.state == state.value)
            .order_by(attempts.c.claimed_at)
        )
        if campaign is not None:
            found = found.where(attempts.c.campaign == campaign)
        with self._database.reading() as connection:
            return list(connection.execute(found))

    def _move(self, attempt_id: str, state: AttemptState, **values: object) -> None:
        moved = update(attempts).where(attempts.c.attempt_id == attempt_id)
        with self._database.transaction() as connection:
            connection.execute(moved.values(state=state.value, **values))

    def _close(self, claim: Claim, state: AttemptState, step: NextStep, **values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == claim.attempt_id)
                .values(state=state.value, ended_at=stamp(self._clock.now()), **values)
            )
            move_contact(connection, claim.campaign, claim.contact.phone, step)


def _ticket(row: Row[tuple[object, ...]]) -> Ticket:
    """From a row of `attempts` joined with its contact; the intent is long on disk."""
    claim = Claim(row.attempt_id, row.attempt_no, row.campaign, contact_of(row), 0)
    started_at = unstamp(row.started_at or row.claimed_at)
    if started_at is None:
        raise LedgerError(f"attempt {row.attempt_id} has no time", hint="restore a backup")
    return Ticket(claim, started_at)
