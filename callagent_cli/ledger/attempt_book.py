"""The attempt's life, one transaction a step. Every move is also checked by SQL triggers."""

import base64
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from sqlalchemy import (
    Connection,
    Integer,
    String,
    bindparam,
    cast,
    exists,
    func,
    insert,
    select,
    update,
)

from callagent_cli.domain.call import AttemptState, Claim, Outcome, Placed, Ticket
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import FORGOTTEN, ContactState
from callagent_cli.domain.errors import GateClosed, LeaseLost, LedgerError
from callagent_cli.domain.suppression import IN_CALL, Suppression
from callagent_cli.ledger.contact_book import move_contact
from callagent_cli.ledger.database import Conflict, Database, stamp
from callagent_cli.ledger.journal import Intent, Journal
from callagent_cli.ledger.outbox import Message, write_owed
from callagent_cli.ledger.records import Candidate, NextStep
from callagent_cli.ledger.schema import IS_WAITING, attempts, contacts, meta, runs, suppressions
from callagent_cli.ledger.suppression_book import SuppressionBook

_THIS = attempts.c.attempt_id == bindparam("this")
_CONTACT = (contacts.c.campaign == bindparam("of_campaign")) & (
    contacts.c.phone == bindparam("of_phone")
)
_TAKE = (
    update(contacts)
    .where(_CONTACT, IS_WAITING)
    .values(state=ContactState.IN_PROGRESS.value, due_at="", reason="")
)
_EARLIER = select(func.count()).where(
    attempts.c.campaign == bindparam("of_campaign"),
    attempts.c.phone == bindparam("of_phone"),
    attempts.c.state != AttemptState.RELEASED.value,  # nothing was sent: no attempt of a call
)
_CLAIM = (
    insert(attempts)
    .values(attempt_no=_EARLIER.scalar_subquery() + 1)
    .returning(attempts.c.attempt_no)
)
_CHANGE = update(attempts).where(_THIS)
_IS_OVER = select(runs.c.run_id).where(
    runs.c.run_id == bindparam("by_run"), runs.c.ended_at.is_not(None)
)
_BEGIN = update(attempts).where(
    _THIS, attempts.c.state == AttemptState.CLAIMED.value, ~_IS_OVER.exists()
)
_GENERATION = meta.c.key == "generation"
_GROW = (
    update(meta)
    .where(_GENERATION)
    .values(value=cast(cast(meta.c.value, Integer) + 1, String))
    .returning(
        meta.c.value,
        exists().where(suppressions.c.phone_hash == bindparam("of_hash")).label("is_listed"),
    )
)
_RING = _CHANGE.where(attempts.c.state == AttemptState.DIALING.value)


def new_attempt_id() -> str:
    """Random, so that it says nothing about the person: `ca_` and 26 characters."""
    return "ca_" + base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]


class AttemptBook(SuppressionBook):
    _database: Database
    _journal: Journal
    _clock: Clock

    def claim(self, campaign: str, candidate: Candidate, run_id: str) -> Claim | None:
        """Lease a contact to this run; None when somebody else has the contact or the number."""
        self._database.require_sound()
        try:
            with self._database.transaction() as connection:
                return claimed(connection, campaign, candidate, run_id, self._clock.now())
        except Conflict:  # the number has an open attempt in another campaign
            return None

    def begin(self, claim: Claim, evidence: Mapping[str, object], *, run_id: str) -> Ticket:
        """Commit the intent to dial: the point of no return.

        Raises GateClosed, and has changed nothing, for a number on the do-not-call list: whoever
        added it before this transaction is obeyed.

        First the ledger, then the journal. A crash between the two leaves an attempt in
        `dialing` that the ledger itself reports; the other order would leave a journal ahead of
        its ledger, which looks like a restored backup and stops every later run.
        """
        self._database.require_sound()
        now = self._clock.now()
        with self._database.beside() as connection:
            self._begin(connection, claim, run_id, started_at=stamp(now), evidence=dict(evidence))
            generation = self._grow(connection, claim.contact.phone)
        ticket = Ticket(claim, now, crm_id=str(evidence.get("crm_id", "")))
        contact = claim.contact
        intent = Intent(
            claim.attempt_id, claim.campaign, contact.phone, contact.id, now, generation
        )
        try:
            self._journal.append(intent)
        except OSError as error:
            self._take_back(ticket, error)
        return ticket

    def _begin(self, connection: Connection, claim: Claim, run_id: str, **begun: object) -> None:
        """Raises LeaseLost when this run was taken for dead."""
        begun |= {"state": AttemptState.DIALING.value, "run_id": run_id}
        this = {"this": claim.attempt_id, "by_run": run_id}
        if connection.execute(_BEGIN, {**this, **begun}).rowcount == 1:
            return
        if connection.execute(_IS_OVER, {"by_run": run_id}).first() is None:
            raise _out_of_step(claim.attempt_id, AttemptState.DIALING)
        self._database.condemn()
        raise LeaseLost(
            "this run was taken for dead, and another one may be on",
            hint="nothing more is dialled here; start the same command again",
        )

    def _grow(self, connection: Connection, phone: str) -> int:
        """The ledger's generation from here on. Raises GateClosed for a number that is listed."""
        asked = {"of_hash": self._hash(connection, phone)}
        generation, is_listed = connection.execute(_GROW, asked).one()
        if is_listed or phone.startswith(FORGOTTEN):
            listed = self._suppressed(connection, phone)
            raise GateClosed(f"on the do-not-call list: {listed.where if listed else 'just now'}")
        return int(generation)

    def _take_back(self, ticket: Ticket, error: OSError) -> None:
        why = f"the dial journal {self._journal.path} cannot be written: {error.strerror}"
        with suppress(LedgerError):  # nothing was sent; if even this fails, it is in doubt
            back = NextStep(ContactState.PENDING, reason=why)
            self.record_refused(ticket, error=why, category="transient", step=back)
        raise LedgerError(why, hint="free disk space or mend the folder's rights") from None

    def release(self, claim: Claim, step: NextStep) -> None:
        """Give a claim back: nothing was sent."""
        self._close(claim, AttemptState.RELEASED, step, {})

    def record_placed(self, ticket: Ticket, placed: Placed, owed: Iterable[Message] = ()) -> None:
        """The provider has the call; also for an attempt in doubt that was found."""
        claim, values = ticket.claim, {"conversation_id": placed.conversation_id}
        with self._database.transaction() as connection:
            this = {"this": claim.attempt_id, "state": AttemptState.PLACED.value, **values}
            if connection.execute(_RING, this).rowcount != 1:  # it was in doubt meanwhile
                _change(connection, claim.attempt_id, AttemptState.PLACED, values)
                step = NextStep(ContactState.IN_PROGRESS)
                move_contact(connection, claim.campaign, claim.contact.phone, step)
            write_owed(connection, owed, self._clock.now())

    def record_refused(
        self,
        ticket: Ticket,
        *,
        error: str,
        category: str,
        step: NextStep,
        owed: Iterable[Message] = (),
    ) -> None:
        """Definitely no call."""
        values = {"error": error, "error_category": str(category)}
        self._close(ticket.claim, AttemptState.REFUSED, step, values, owed)

    def record_unknown(self, ticket: Ticket, *, error: str, owed: Iterable[Message] = ()) -> None:
        """May have rung: nobody calls this contact until it is known."""
        step = NextStep(ContactState.NEEDS_REVIEW, reason=f"may have rung: {error}")
        values = {"error": error, "error_category": "ambiguous"}
        self._record(ticket.claim, AttemptState.UNKNOWN, step, values, owed)

    def record_looked_up(self, ticket: Ticket, *, is_counted: bool = True) -> None:
        """The provider was asked for an attempt in doubt. is_counted: it need not be asked again
        for the same look."""
        with self._database.transaction() as connection:
            connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == ticket.attempt_id)
                .values(
                    looked_up=attempts.c.looked_up + int(is_counted),
                    last_looked_at=stamp(self._clock.now()),
                )
            )

    def record_completed(
        self,
        ticket: Ticket,
        outcome: Outcome,
        step: NextStep,
        owed: Iterable[Message] = (),
        *,
        opted_out: str | None = None,
    ) -> None:
        """The call has ended: attempt, contact and messages owed, all or nothing.

        opted_out: how the person said that they want no more calls; None: they did not.
        """
        claim = ticket.claim
        step_of = self._database.transaction if opted_out is None else self._database.alone
        with step_of() as connection:
            if opted_out is not None:
                said = Suppression(
                    IN_CALL, outcome.ended_at, opted_out, ticket.phone, claim.campaign
                )
                self._add(connection, said)
            _change(connection, claim.attempt_id, AttemptState.COMPLETED, _ended(outcome))
            move_contact(
                connection, claim.campaign, ticket.phone, step, disposition=outcome.disposition
            )
            write_owed(connection, owed, outcome.ended_at)

    def _close(
        self,
        claim: Claim,
        state: AttemptState,
        step: NextStep,
        values: Mapping[str, object],
        owed: Iterable[Message] = (),
    ) -> None:
        ended = {"ended_at": stamp(self._clock.now()), **values}
        self._record(claim, state, step, ended, owed)

    def _record(
        self,
        claim: Claim,
        state: AttemptState,
        step: NextStep,
        values: Mapping[str, object],
        owed: Iterable[Message],
    ) -> None:
        with self._database.transaction() as connection:
            _change(connection, claim.attempt_id, state, values)
            move_contact(connection, claim.campaign, claim.contact.phone, step)
            write_owed(connection, owed, self._clock.now())


def claimed(
    connection: Connection, campaign: str, candidate: Candidate, run_id: str, now: datetime
) -> Claim | None:
    """Inside the caller's transaction. None when somebody else has the contact; raises Conflict
    when somebody has its number."""
    contact, attempt_id = candidate.contact, new_attempt_id()
    who = {"of_campaign": campaign, "of_phone": contact.phone}
    if connection.execute(_TAKE, who).rowcount != 1:
        return None
    attempt_no = connection.execute(
        _CLAIM,
        {
            **who,
            "attempt_id": attempt_id,
            "campaign": campaign,
            "phone": contact.phone,
            "state": AttemptState.CLAIMED.value,
            "run_id": run_id,
            "claimed_at": stamp(now),
            "looked_up": 0,
        },
    ).scalar_one()
    return Claim(attempt_id, attempt_no, campaign, contact, candidate.calls_made)


def _ended(outcome: Outcome) -> dict[str, object]:
    return {
        "ended_at": stamp(outcome.ended_at),
        "disposition": outcome.disposition.value,
        "duration_s": outcome.duration_s,
        "cost_usd": outcome.cost_usd,
        "summary": outcome.summary,
        "error": outcome.error or None,
        "collected": dict(outcome.collected),
    }


def _change(
    connection: Connection, attempt_id: str, state: AttemptState, values: Mapping[str, object]
) -> None:
    """Inside the caller's transaction. An attempt that is not where the step expects it is an
    error: a silent nothing could let a call go on that the ledger does not know."""
    changed = connection.execute(_CHANGE, {"this": attempt_id, "state": state.value, **values})
    if changed.rowcount != 1:
        raise _out_of_step(attempt_id, state)


def _out_of_step(attempt_id: str, state: AttemptState) -> LedgerError:
    return LedgerError(
        f"attempt {attempt_id} cannot become {state.value}: another step was there first",
        hint="nothing more was dialled; start the same command again",
    )
