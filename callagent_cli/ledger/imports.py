"""A contacts file, taken in: new rows join, renewed fields reach contacts not yet called."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, delete, func, insert, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import (
    WAITING_STATES,
    Contact,
    ContactState,
    DuplicateRow,
    RejectedRow,
)
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.records import ImportCounts
from callagent_cli.ledger.schema import campaigns, contacts, rejected
from callagent_cli.ledger.standings import contact_of
from callagent_cli.ledger.suppression_book import SuppressionBook

_BATCH = 2000  # rows a transaction: memory and the time to the first dial stay small
_RENEWABLE = (*WAITING_STATES, ContactState.FAILED, ContactState.SKIPPED)


@dataclass(slots=True)
class _Counts:
    new: int = 0
    changed: int = 0
    known: int = 0
    duplicates: int = 0
    rejected: int = 0


class Imports(SuppressionBook):
    _database: Database
    _clock: Clock

    def import_contacts(
        self, campaign: str, rows: Iterable[Contact | RejectedRow], *, source: str
    ) -> ImportCounts:
        """Take in a file: new rows join, renewed fields reach contacts not yet called, nobody
        already called changes state. Rows that vanished from the file stay as they are.
        Constant memory in the rows."""
        with self._database.one_at_a_time(f"taking in contacts of {campaign}"):
            return self._import(campaign, rows, source)

    def _import(
        self, campaign: str, rows: Iterable[Contact | RejectedRow], source: str
    ) -> ImportCounts:
        counts, stream = _Counts(), iter(rows)
        with self._database.alone() as connection:
            _note_campaign(connection, campaign, source, stamp(self._clock.now()))
            connection.execute(delete(rejected).where(rejected.c.campaign == campaign))
            position = _last_position(connection, campaign)
        while batch := list(islice(stream, _BATCH)):
            with self._database.alone() as connection:
                kept = self._without_forgotten(connection, batch)
                position = _take_in(connection, campaign, kept, position, counts)
        return ImportCounts(
            counts.new, counts.changed, counts.known, counts.duplicates, counts.rejected
        )

    def _without_forgotten(
        self, connection: Connection, batch: list[Contact | RejectedRow]
    ) -> list[Contact | RejectedRow]:
        """Their rows are told, and nothing of them is kept."""
        people = [row.phone for row in batch if isinstance(row, Contact)]
        forgotten = self._forgotten(connection, people)
        if not forgotten:
            return batch
        gone = (isinstance(row, Contact) and row.phone in forgotten for row in batch)
        return [
            _forgotten_row(row.line) if is_gone else row
            for row, is_gone in zip(batch, gone, strict=True)
        ]


def _forgotten_row(line: int) -> RejectedRow:
    return RejectedRow(
        line,
        column="phone",
        value="",
        reason="this person was forgotten at their wish: nobody calls them, nothing is kept",
        fix="take the row out of the file",
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
    people = _once_each([row for row in batch if isinstance(row, Contact)], counts)
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


def _once_each(people: list[Contact], counts: _Counts) -> list[Contact]:
    """The first of those who share a number; intake has told of the others, as a rule."""
    by_phone: dict[str, Contact] = {}
    for person in people:
        by_phone.setdefault(person.phone, person)
    counts.duplicates += len(people) - len(by_phone)
    return list(by_phone.values())


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
