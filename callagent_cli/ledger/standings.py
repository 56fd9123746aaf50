"""What is known of a number before it may be called: where it stands, how often it was called."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select

from callagent_cli.domain.call import AttemptState, Disposition
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.suppression import Suppression
from callagent_cli.ledger.database import Database, unstamp
from callagent_cli.ledger.files import NEVER
from callagent_cli.ledger.records import Candidate, Standing
from callagent_cli.ledger.schema import attempts, contacts, suppressions
from callagent_cli.ledger.suppression_book import SuppressionBook

_MOST_AT_ONCE = 500  # some databases bound the parameters of a query
_MAY_HAVE_RUNG = (AttemptState.PLACED, AttemptState.COMPLETED, AttemptState.UNKNOWN)
_CALLS = (
    select(
        attempts.c.phone,
        attempts.c.campaign,
        attempts.c.started_at,
        attempts.c.ended_at,
        attempts.c.disposition,
    )
    .where(
        attempts.c.phone.in_(bindparam("phones", expanding=True)),
        attempts.c.state.in_(_MAY_HAVE_RUNG),
    )
    .order_by(attempts.c.started_at)
)
_WITH_CALLS = (
    select(
        contacts,
        attempts.c.campaign.label("called_for"),
        attempts.c.started_at.label("called_at"),
        attempts.c.ended_at.label("call_ended_at"),
        attempts.c.disposition.label("call_disposition"),
        exists().where(suppressions.c.phone_hash == bindparam("of_hash")).label("is_listed"),
    )
    .outerjoin(
        attempts,
        (attempts.c.phone == contacts.c.phone) & attempts.c.state.in_(_MAY_HAVE_RUNG),
    )
    .where(
        contacts.c.campaign == bindparam("of_campaign"), contacts.c.phone == bindparam("of_phone")
    )
    .order_by(attempts.c.started_at)
)
_KNOWN = select(contacts).where(
    contacts.c.campaign == bindparam("of_campaign"),
    contacts.c.phone.in_(bindparam("phones", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class _Call:
    """That rang, or may have."""

    campaign: str
    started_at: str
    ended_at: str | None
    disposition: str | None


class Standings(SuppressionBook):
    _database: Database

    def standings(self, campaign: str, people: Sequence[Contact]) -> list[Standing]:
        """Where each contact stands, in their order; with the fields as they are given here."""
        told: list[Standing] = []
        for start in range(0, len(people), _MOST_AT_ONCE):
            told += self._standings(campaign, people[start : start + _MOST_AT_ONCE])
        return told

    def standing(self, campaign: str, phone: str) -> Standing | None:
        """Where a number stands in a campaign; None when the campaign does not know it."""
        known = {"of_campaign": campaign, "phones": [phone]}
        with self._database.reading() as connection:
            row = connection.execute(_KNOWN, known).first()
        return self.standings(campaign, [contact_of(row)])[0] if row else None

    def _standings(self, campaign: str, people: Sequence[Contact]) -> list[Standing]:
        phones = [person.phone for person in people]
        with self._database.reading() as connection:
            known = connection.execute(_KNOWN, {"of_campaign": campaign, "phones": phones})
            rows = {row.phone: row for row in known}
            calls = _calls_by_phone(connection, phones)
            listed = self._all_suppressed(connection, phones)
        return [
            _standing(
                _candidate(campaign, person, calls[person.phone], row, listed.get(person.phone)),
                row,
            )
            for person in people
            for row in (rows.get(person.phone),)
        ]

    def _is_still_so(self, connection: Connection, campaign: str, candidate: Candidate) -> bool:
        """Inside the caller's transaction: whether nothing more is known of them by now."""
        phone = candidate.contact.phone
        asked = {"of_campaign": campaign, "of_phone": phone}
        rows = connection.execute(
            _WITH_CALLS, {**asked, "of_hash": self._hash(connection, phone)}
        ).all()
        if not rows or rows[0].is_listed:
            return False
        calls = [
            _Call(row.called_for, row.called_at, row.call_ended_at, row.call_disposition)
            for row in rows
            if row.called_for is not None
        ]
        return _candidate(campaign, contact_of(rows[0]), calls, rows[0], None) == candidate

    def _candidate(
        self, connection: Connection, campaign: str, row: Row[tuple[object, ...]]
    ) -> Candidate:
        """Inside the caller's transaction. row: of the contact."""
        calls = _calls_by_phone(connection, [row.phone])[row.phone]
        listed = self._suppressed(connection, row.phone)
        return _candidate(campaign, contact_of(row), calls, row, listed)


def _calls_by_phone(connection: Connection, phones: Sequence[str]) -> Mapping[str, list[_Call]]:
    """Calls that rang or may have rung, in any campaign, oldest first."""
    found: dict[str, list[_Call]] = defaultdict(list)
    for phone, *call in connection.execute(_CALLS, {"phones": phones}):
        found[phone].append(_Call(*call))
    return found


def _candidate(
    campaign: str,
    contact: Contact,
    calls: Sequence[_Call],
    row: Row[Any] | None,
    listed: Suppression | None,
) -> Candidate:
    """A busy line disturbed nobody: it counts as a call, and not for the gap between two calls.

    A contact that waits although its last call was answered has asked to be called again.
    """
    reached = [call.started_at for call in calls if call.disposition != Disposition.BUSY]
    answered = [call.ended_at for call in calls if call.disposition == Disposition.ANSWERED]
    return Candidate(
        contact,
        calls_made=sum(call.campaign == campaign for call in calls),
        last_call_at=unstamp(reached[-1]) if reached else None,
        calls_at=tuple(_instants(call.started_at for call in calls)),
        last_conversation_at=unstamp(answered[-1]) if answered else None,
        has_asked=row is not None and row.disposition == Disposition.ANSWERED,
        suppressed=listed,
    )


def _instants(stamps: Iterable[str]) -> Iterable[datetime]:
    return (at for at in map(unstamp, stamps) if at is not None)


def _standing(candidate: Candidate, row: Row[Any] | None) -> Standing:
    if row is None:
        return Standing(candidate)
    return Standing(candidate, row.state, row.reason, due_time(row.due_at), row.is_transient)


def due_time(stored: str) -> datetime | None:
    """When a contact is due; None: at once, or not before a person acts."""
    return None if stored == NEVER else unstamp(stored)


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
