"""Contacts of a campaign: taken in, next due, set aside, put back."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Row, case, delete, func, insert, or_, select, update

from callagent_cli.domain.call import OPEN_STATES, AttemptState
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import Contact, ContactState, DuplicateRow, RejectedRow
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.records import Candidate, ImportCounts, NextStep, Standing
from callagent_cli.ledger.schema import attempts, campaigns, contacts, rejected

_BATCH = 2000  # rows a transaction: memory and the time to the first dial stay small
_WAITING = (ContactState.PENDING, ContactState.HELD, ContactState.DEFERRED)
MAY_HAVE_RUNG = (AttemptState.PLACED, AttemptState.COMPLETED, AttemptState.UNKNOWN)

_HISTORY = select(func.max(attempts.c.started_at)).where(attempts.c.state.in_(MAY_HAVE_RUNG))
_HAS_OPEN_ATTEMPT = (
    select(attempts.c.attempt_id)
    .where(attempts.c.phone == contacts.c.phone, attempts.c.state.in_(sorted(OPEN_STATES)))
    .exists()
)


@dataclass(slots=True)
class _Counts:
    new: int = 0
    changed: int = 0
    known: int = 0
    duplicates: int = 0
    rejected: int = 0


class ContactBook:
    _database: Database
    _clock: Clock

    def import_contacts(
        self, campaign: str, rows: Iterable[Contact | RejectedRow], *, source: str
    ) -> ImportCounts:
        """Take in a file: new rows join, renewed fields reach contacts not yet called, nobody
        already called changes state. Rows that vanished from the file stay as they are.
        Constant memory in the rows."""
        counts, stream = _Counts(), iter(rows)
        with self._database.transaction() as connection:
            _note_campaign(connection, campaign, source, stamp(self._clock.now()))
            connection.execute(delete(rejected).where(rejected.c.campaign == campaign))
            position = _last_position(connection, campaign)
        while batch := list(islice(stream, _BATCH)):
            with self._database.transaction() as connection:
                position = _take_in(connection, campaign, batch, position, counts)
        return ImportCounts(
            counts.new, counts.changed, counts.known, counts.duplicates, counts.rejected
        )

    def next_due(
        self, campaign: str, now: datetime, *, only: Collection[str] | None = None
    ) -> Candidate | None:
        """The contact whose turn it is: due, and its number has no open attempt anywhere.

        only: contact ids; None for everybody.
        """
        due = (
            select(contacts)
            .where(
                contacts.c.campaign == campaign,
                contacts.c.state.in_(_WAITING),
                contacts.c.due_at <= stamp(now),
                ~_HAS_OPEN_ATTEMPT,
            )
            .order_by(contacts.c.due_at, contacts.c.position)
            .limit(1)
        )
        if only is not None:
            due = due.where(or_(contacts.c.id.in_(only), contacts.c.phone.in_(only)))
        with self._database.reading() as connection:
            row = connection.execute(due).first()
            if row is None:
                return None
            calls_made, last_call_at = history(connection, campaign, row.phone)
        return Candidate(contact_of(row), calls_made, last_call_at)

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


def move_contact(connection: Connection, campaign: str, phone: str, step: NextStep) -> None:
    """Inside the caller's transaction."""
    connection.execute(
        update(contacts)
        .where(contacts.c.campaign == campaign, contacts.c.phone == phone)
        .values(
            state=step.state.value,
            due_at=stamp(step.next_at) if step.next_at else "",
            reason=step.reason,
            is_transient=step.is_transient,
        )
    )


def history(connection: Connection, campaign: str, phone: str) -> tuple[int, datetime | None]:
    """Calls of this campaign that rang or may have rung, and the number's last one anywhere.

    A busy line disturbed nobody: it counts as a call, and not for the gap between two calls.
    """
    reached_at = case((attempts.c.disposition == "busy", None), else_=attempts.c.started_at)
    row = connection.execute(
        select(
            func.coalesce(func.sum(case((attempts.c.campaign == campaign, 1), else_=0)), 0),
            func.max(reached_at),
        ).where(attempts.c.phone == phone, attempts.c.state.in_(MAY_HAVE_RUNG))
    ).one()
    return int(row[0]), unstamp(row[1])


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


def _note_campaign(connection: Connection, campaign: str, source: str, now: str) -> None:
    known = select(campaigns.c.campaign).where(campaigns.c.campaign == campaign)
    if connection.execute(known).first() is None:
        connection.execute(
            insert(campaigns).values(campaign=campaign, created_at=now, source=source)
        )


def _last_position(connection: Connection, campaign: str) -> int:
    last = select(func.max(contacts.c.position)).where(contacts.c.campaign == campaign)
    return connection.execute(last).scalar_one() or 0


def _take_in(
    connection: Connection,
    campaign: str,
    batch: list[Contact | RejectedRow],
    position: int,
    counts: _Counts,
) -> int:
    """Write one batch; returns the last position given away."""
    people = [row for row in batch if isinstance(row, Contact)]
    known = _known(connection, campaign, [person.phone for person in people])
    fresh = []
    for person in people:
        before = known.get(person.phone)
        if before is None:
            position += 1
            fresh.append(_new_row(campaign, person, position))
        elif _fields(person) == before[0] or before[1] not in _RENEWABLE:
            counts.known += 1
        else:
            counts.changed += 1
            _renew(connection, campaign, person)
    if fresh:
        connection.execute(insert(contacts), fresh)
    counts.new += len(fresh)
    _note_rejected(connection, campaign, _rejects(batch), counts)
    return position


_RENEWABLE = (*_WAITING, ContactState.FAILED, ContactState.SKIPPED)


def _known(
    connection: Connection, campaign: str, phones: list[str]
) -> dict[str, tuple[dict[str, object], str]]:
    """phone → (fields as stored, state)."""
    known = {}
    for start in range(0, len(phones), 500):  # some databases bound the parameters of a query
        some = phones[start : start + 500]
        rows = connection.execute(
            select(contacts).where(contacts.c.campaign == campaign, contacts.c.phone.in_(some))
        )
        known.update({row.phone: (_fields(contact_of(row)), row.state) for row in rows})
    return known


def _fields(contact: Contact) -> dict[str, object]:
    return {
        "id": contact.id,
        "name": contact.name,
        "email": contact.email,
        "language": contact.language,
        "timezone": contact.timezone,
        "consent": contact.consent,
        "variables": dict(contact.variables),
    }


def _new_row(campaign: str, contact: Contact, position: int) -> dict[str, object]:
    return {
        **_fields(contact),
        "campaign": campaign,
        "phone": contact.phone,
        "line": contact.line,
        "position": position,
        "state": ContactState.PENDING.value,
        "due_at": "",
        "reason": "",
        "is_transient": False,
    }


def _renew(connection: Connection, campaign: str, contact: Contact) -> None:
    connection.execute(
        update(contacts)
        .where(contacts.c.campaign == campaign, contacts.c.phone == contact.phone)
        .values(**_fields(contact), line=contact.line)
    )


def _rejects(batch: list[Contact | RejectedRow]) -> Iterator[RejectedRow]:
    return (row for row in batch if isinstance(row, RejectedRow))


def _note_rejected(
    connection: Connection, campaign: str, rows: Iterable[RejectedRow], counts: _Counts
) -> None:
    noted = []
    for row in rows:
        is_duplicate = isinstance(row, DuplicateRow)
        counts.duplicates += is_duplicate
        counts.rejected += not is_duplicate
        noted.append(
            {
                "campaign": campaign,
                "no": counts.duplicates + counts.rejected,
                "line": row.line,
                "column_name": row.column,
                "value": row.value,
                "reason": row.reason,
                "fix": row.fix,
            }
        )
    if noted:
        connection.execute(insert(rejected), noted)
