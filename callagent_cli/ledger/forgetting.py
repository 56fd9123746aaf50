"""Erasing a person, and keeping only what suppression needs.

What remains is counted and nothing else: each attempt keeps its state, times, disposition,
duration and cost under a token, so that reports stay right; the number's salted hash stays on
the do-not-call list. Only for the holder of the ledger's lock. Each part may be done again: after
a crash the same command completes it.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, String, case, delete, insert, select, type_coerce, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import FORGOTTEN, ContactState
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.suppression import BY_WISH, Suppression
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.journal import Intent, Journal
from callagent_cli.ledger.schema import (
    FORGETTING,
    IS_OPEN,
    attempts,
    contacts,
    messages,
    meta,
    suppressions,
)
from callagent_cli.ledger.suppression_book import SuppressionBook

_FINAL = (ContactState.COMPLETED.value, ContactState.EXHAUSTED.value)
_SETTLE = "settle it first: `callagent review`, then `callagent resolve`; or let a run end it"


@dataclass(frozen=True, slots=True)
class Traces:
    """By which names log and sheet know a person."""

    contact_ids: frozenset[str]
    attempt_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Forgotten:
    contacts: int
    attempts: int
    undelivered: int  # messages that nobody will get


class Forgetting(SuppressionBook):
    _database: Database
    _journal: Journal
    _clock: Clock

    def traces_of(self, phone: str) -> Traces:
        """To be erased elsewhere before `forget`, which erases them here. Raises InputError while
        a call to the number is open."""
        with self._database.reading() as connection:
            _refuse_open(connection, phone)
            ids = connection.scalars(select(contacts.c.id).where(contacts.c.phone == phone))
            return Traces(frozenset(ids), _attempts_of(connection, phone))

    def forget(self, phone: str) -> Forgotten:
        """Raises InputError, and has changed nothing, while a call to the number is open."""
        with self._database.transaction() as connection:
            _refuse_open(connection, phone)
            token = f"{FORGOTTEN}{self._hash(connection, phone)}"
            ids = _attempts_of(connection, phone)
            _set_marker(connection)
            _forget_attempts(connection, phone, token)
            done = Forgotten(
                contacts=_forget_contacts(connection, phone, token),
                attempts=len(ids),
                undelivered=_drop_messages(connection, ids, stamp(self._clock.now())),
            )
            self._keep_hash_alone(connection, phone)
            connection.execute(_MARKER_GONE)
        self._forget_intents(phone, token)
        self._database.purge()
        return done

    def _keep_hash_alone(self, connection: Connection, phone: str) -> None:
        self._add(connection, Suppression(BY_WISH, self._clock.now(), phone=phone))
        hashed = suppressions.c.phone_hash == self._hash(connection, phone)
        bare = {"phone": None, "reason": "", "campaign": "", "added_by": ""}
        connection.execute(update(suppressions).where(hashed).values(bare))

    def _forget_intents(self, phone: str, token: str) -> None:
        """The journal keeps its lines, for it proves that the ledger is whole."""
        if not self._journal.exists():
            return
        if any(intent.phone == phone for intent in self._journal.intents()):
            kept = (_without_person(intent, phone, token) for intent in self._journal.intents())
            self._journal.create(self._journal.workspace(), kept)


_MARKER_GONE = delete(meta).where(meta.c.key == FORGETTING)


def _set_marker(connection: Connection) -> None:
    """The triggers let an ended attempt lose its person, and nothing else, while it is there."""
    connection.execute(_MARKER_GONE)
    connection.execute(insert(meta).values(key=FORGETTING, value="1"))


def _refuse_open(connection: Connection, phone: str) -> None:
    opened = select(attempts.c.attempt_id).where(attempts.c.phone == phone, IS_OPEN)
    if (attempt := connection.execute(opened).scalar()) is not None:
        raise InputError(f"a call to this number is open or in doubt: {attempt}", hint=_SETTLE)


def _attempts_of(connection: Connection, phone: str) -> frozenset[str]:
    these = select(attempts.c.attempt_id).where(attempts.c.phone == phone)
    return frozenset(connection.scalars(these))


def _forget_attempts(connection: Connection, phone: str, token: str) -> None:
    """The provider's id leads to a recording: it goes, and that there was a call stays."""
    unnamed = type_coerce(FORGOTTEN, String).concat(attempts.c.attempt_id)
    was_placed = attempts.c.conversation_id.is_not(None)
    texts = ("error", "note", "resolved_by", "summary")
    connection.execute(
        update(attempts)
        .where(attempts.c.phone == phone)
        .values(
            {
                "phone": token,
                "conversation_id": case((was_placed, unnamed)),
                "collected": {},
                "evidence": {},
                **dict.fromkeys(texts),
            }
        )
    )


def _forget_contacts(connection: Connection, phone: str, token: str) -> int:
    this = contacts.c.phone == phone
    again = select(contacts.c.campaign).where(this)  # forgotten once before, and called since
    old = (contacts.c.phone == token) & contacts.c.campaign.in_(again)
    connection.execute(delete(contacts).where(old))
    is_final = contacts.c.state.in_(_FINAL)
    connection.execute(
        update(contacts).where(this, ~is_final).values(state=ContactState.SKIPPED.value, due_at="")
    )
    bare = {"name": "", "email": "", "language": "", "timezone": "", "reason": "forgotten"}
    known = connection.execute(
        update(contacts)
        .where(this)
        .values(**bare, phone=token, id=token, consent=None, variables={}, is_transient=False)
    )
    return known.rowcount


def _drop_messages(connection: Connection, attempt_ids: frozenset[str], now: str) -> int:
    """What CRM and sheet have not been told they will not be told."""
    dropped = 0
    for attempt_id in attempt_ids:
        about = messages.c.key.startswith(f"{attempt_id}:", autoescape=True)
        undelivered = about & messages.c.state.in_(("owed", "dead"))
        gone = {"state": "dropped", "next_at": None, "ended_at": now}
        dropped += connection.execute(update(messages).where(undelivered).values(gone)).rowcount
        connection.execute(update(messages).where(about).values(payload={}, last_error=None))
    return dropped


def _without_person(intent: Intent, phone: str, token: str) -> Intent:
    return replace(intent, phone=token, contact_id=token) if intent.phone == phone else intent
