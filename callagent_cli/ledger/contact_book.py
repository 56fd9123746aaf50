"""Contacts of a campaign: next due, set aside, put back."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from callagent_cli.domain.call import AttemptState, Disposition
from callagent_cli.domain.contact import Contact, ContactState
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.records import Candidate, NextStep, Standing
from callagent_cli.ledger.schema import IS_OPEN, IS_WAITING, attempts, contacts

_MAY_HAVE_RUNG = (AttemptState.PLACED, AttemptState.COMPLETED, AttemptState.UNKNOWN)

_HAS_OPEN_ATTEMPT = (
    select(attempts.c.attempt_id).where(attempts.c.phone == contacts.c.phone, IS_OPEN).exists()
)
_NEXT_DUE = (
    select(contacts)
    .where(
        contacts.c.campaign == bindparam("of_campaign"),
        IS_WAITING,
        contacts.c.due_at <= bindparam("by"),
        ~_HAS_OPEN_ATTEMPT,
    )
    .order_by(contacts.c.due_at, contacts.c.position)
    .limit(1)
)
_CALLS = (
    select(attempts.c.campaign, attempts.c.started_at, attempts.c.disposition)
    .where(attempts.c.phone == bindparam("of_phone"), attempts.c.state.in_(_MAY_HAVE_RUNG))
    .order_by(attempts.c.started_at)
)
_MOVE = (
    update(contacts)
    .where(
        contacts.c.campaign == bindparam("of_campaign"), contacts.c.phone == bindparam("of_phone")
    )
    .values(
        state=bindparam("to_state"),
        due_at=bindparam("due"),
        reason=bindparam("why"),
        is_transient=bindparam("passing"),
    )
)
_MOVE_AT_END = _MOVE.values(disposition=bindparam("ended_as"))


class ContactBook:
    _database: Database

    def next_due(
        self, campaign: str, now: datetime, *, only: Collection[str] | None = None
    ) -> Candidate | None:
        """The contact whose turn it is: due, and its number has no open attempt anywhere.

        only: contact ids; None for everybody.
        """
        due = _NEXT_DUE
        if only is not None:
            due = due.where(or_(contacts.c.id.in_(only), contacts.c.phone.in_(only)))
        with self._database.reading() as connection:
            row = connection.execute(due, {"of_campaign": campaign, "by": stamp(now)}).first()
            if row is None:
                return None
            calls_made, last_call_at = history(connection, campaign, row.phone)
        return Candidate(contact_of(row), calls_made, last_call_at)

    def unknown(self, campaign: str, names: Collection[str]) -> set[str]:
        """Those of the names that are neither id nor number of a contact of the campaign."""
        of_campaign = contacts.c.campaign == campaign
        with self._database.reading() as connection:
            known = {
                found
                for column in (contacts.c.id, contacts.c.phone)
                for found in connection.scalars(
                    select(column).where(of_campaign, column.in_(names))
                )
            }
        return set(names) - known

    def standing(self, campaign: str, phone: str) -> Standing | None:
        """Where a number stands in a campaign; None when the campaign does not know it."""
        known = select(contacts).where(contacts.c.campaign == campaign, contacts.c.phone == phone)
        with self._database.reading() as connection:
            row = connection.execute(known).first()
            calls_made, last_call_at = history(connection, campaign, phone)
        if row is None:
            return (
                Standing("", "", None, is_transient=False, calls_made=0, last_call_at=last_call_at)
                if last_call_at
                else None
            )
        return Standing(
            row.state, row.reason, unstamp(row.due_at), row.is_transient, calls_made, last_call_at
        )

    def set_aside(self, campaign: str, phone: str, step: NextStep) -> None:
        """Move a contact that no attempt was begun for."""
        with self._database.transaction() as connection:
            move_contact(connection, campaign, phone, step)

    def defer_all(self, campaign: str, reason: str) -> int:
        """Put back everybody who is waiting for a turn now; returns how many."""
        return self._move_all(
            campaign,
            ContactState.DEFERRED,
            reason,
            contacts.c.state == ContactState.PENDING,
        )

    def release_held(self, campaign: str) -> int:
        """Look at held contacts anew: rules, fields or the time may have changed."""
        return self._move_all(
            campaign, ContactState.PENDING, "", contacts.c.state == ContactState.HELD
        )

    def requeue(
        self, campaign: str, *, ids: Collection[str] | None = None, only_transient: bool
    ) -> int:
        """Put failed contacts back in the queue; returns how many.

        ids: contact ids, None for all; only_transient: those whose phone never rang.
        """
        which = contacts.c.state == ContactState.FAILED
        if only_transient:
            which = which & contacts.c.is_transient
        if ids is not None:
            which = which & contacts.c.id.in_(ids)
        return self._move_all(campaign, ContactState.PENDING, "put back in the queue", which)

    def _move_all(self, campaign: str, state: ContactState, reason: str, which: object) -> int:
        moved = (
            update(contacts)
            .where(contacts.c.campaign == campaign, which)  # type: ignore[arg-type]  # a condition
            .values(state=state, due_at="", reason=reason, is_transient=False)
        )
        with self._database.transaction() as connection:
            return connection.execute(moved).rowcount


def move_contact(
    connection: Connection,
    campaign: str,
    phone: str,
    step: NextStep,
    *,
    disposition: Disposition | None = None,
) -> None:
    """Inside the caller's transaction.

    disposition: of the attempt that has just ended; None leaves the last one.
    """
    moved = {
        "of_campaign": campaign,
        "of_phone": phone,
        "to_state": step.state.value,
        "due": stamp(step.next_at) if step.next_at else "",
        "why": step.reason,
        "passing": step.is_transient,
    }
    if disposition is None:
        connection.execute(_MOVE, moved)
    else:
        connection.execute(_MOVE_AT_END, {**moved, "ended_as": disposition.value})


def history(connection: Connection, campaign: str, phone: str) -> tuple[int, datetime | None]:
    """Calls of this campaign that rang or may have rung, and the number's last one anywhere.

    A busy line disturbed nobody: it counts as a call, and not for the gap between two calls.
    """
    calls = connection.execute(_CALLS, {"of_phone": phone}).all()
    made = sum(1 for call in calls if call.campaign == campaign)
    reached = [call.started_at for call in calls if call.disposition != Disposition.BUSY]
    return made, unstamp(reached[-1]) if reached else None


def contact_of(row: Row[tuple[object, ...]]) -> Contact:
    return Contact(
        id=row.id,
        phone=row.phone,
        name=row.name,
        email=row.email,
        language=row.language,
        timezone=row.timezone,
        consent=row.consent,
        variables=row.variables,
        line=row.line,
    )
