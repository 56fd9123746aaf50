"""Contacts of a campaign: next due, set aside, put back."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import FORGOTTEN, ContactState
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.files import NEVER
from callagent_cli.ledger.records import Candidate, NextStep
from callagent_cli.ledger.schema import IS_OPEN, IS_WAITING, attempts, contacts
from callagent_cli.ledger.standings import Standings

HAS_OPEN_ATTEMPT = (
    select(attempts.c.attempt_id).where(attempts.c.phone == contacts.c.phone, IS_OPEN).exists()
)
_NEXT_DUE = (
    select(contacts)
    .where(
        contacts.c.campaign == bindparam("of_campaign"),
        IS_WAITING,
        contacts.c.due_at <= bindparam("by"),
        ~HAS_OPEN_ATTEMPT,
    )
    .order_by(contacts.c.due_at, contacts.c.position)
    .limit(1)
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


class ContactBook(Standings):
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
            return self._candidate(connection, campaign, row)

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
        """Look anew at whom an earlier run held or skipped: rules, fields, lists or the time may
        have changed."""
        states = contacts.c.state.in_((ContactState.HELD.value, ContactState.SKIPPED.value))
        set_aside = states & contacts.c.phone.not_like(f"{FORGOTTEN}%")
        return self._move_all(campaign, ContactState.PENDING, "", set_aside)

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
        with self._database.alone() as connection:  # two of these could wait for each other
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
        "due": _due(step),
        "why": step.reason,
        "passing": step.is_transient,
    }
    if disposition is None:
        connection.execute(_MOVE, moved)
    else:
        connection.execute(_MOVE_AT_END, {**moved, "ended_as": disposition.value})


def _due(step: NextStep) -> str:
    """Who is held without a date comes up again when the next run begins, not in this one."""
    if step.next_at is None:
        return NEVER if step.state is ContactState.HELD else ""
    return stamp(step.next_at)
