"""Erasing a person, and keeping only what suppression needs.

What remains is counted and nothing else: each attempt keeps its state, times, disposition,
duration and cost under a token, so that reports stay right; the number's salted hash stays on
the do-not-call list. Only for the holder of the ledger's lock. Each part may be done again: after
a crash the same command completes it.
"""

import json
from dataclasses import dataclass, replace

from sqlalchemy import (
    Connection,
    Row,
    Select,
    String,
    case,
    cast,
    delete,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import FORGOTTEN, ContactState, mask_phone
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.suppression import BY_WISH, Suppression
from callagent_cli.domain.traces import Traces
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.journal import Intent, Journal
from callagent_cli.ledger.schema import (
    FORGETTING,
    IS_OPEN,
    attempts,
    contacts,
    messages,
    meta,
    rejected,
    suppressions,
)
from callagent_cli.ledger.suppression_book import SuppressionBook

_FINAL = (ContactState.COMPLETED.value, ContactState.EXHAUSTED.value)
_UNDELIVERED = ("owed", "dead")
_SETTLE = "settle it first: `callagent review`, then `callagent resolve`; or let a run end it"


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
            return self._traces(connection, phone)

    def forget(self, phone: str, *, reason: str = "") -> Forgotten:
        """Raises InputError, and has changed nothing, while a call to the number is open."""
        with self._database.alone() as connection:
            _refuse_open(connection, phone)
            token = f"{FORGOTTEN}{self._hash(connection, phone)}"
            traces = self._traces(connection, phone)
            _set_marker(connection)
            done = Forgotten(
                undelivered=_forget_messages(connection, traces, stamp(self._clock.now())),
                attempts=_forget_attempts(connection, phone, token),
                contacts=_forget_contacts(connection, phone, token),
            )
            _forget_rejected(connection, phone)
            self._keep_hash_alone(connection, phone, reason)
            connection.execute(_MARKER_GONE)
        self._forget_intents(phone, token)
        self._database.purge()
        return done

    def _traces(self, connection: Connection, phone: str) -> Traces:
        """The journal knows ids that the contact had before its file was edited."""
        named = select(contacts.c.campaign, contacts.c.id).where(contacts.c.phone == phone)
        names = {(row.campaign, row.id) for row in connection.execute(named)}
        called = select(attempts.c.attempt_id, attempts.c.conversation_id)
        rows = connection.execute(called.where(attempts.c.phone == phone))
        calls = {name for row in rows for name in row if name}
        for intent in self._journal.intents() if self._journal.exists() else ():
            if intent.phone == phone:
                names.add((intent.campaign, intent.contact_id))
                calls.add(intent.attempt_id)
        return Traces(frozenset(names), frozenset(calls), mask_phone(phone))

    def _keep_hash_alone(self, connection: Connection, phone: str, reason: str) -> None:
        self._add(connection, Suppression(BY_WISH, self._clock.now(), phone=phone))
        hashed = suppressions.c.phone_hash == self._hash(connection, phone)
        bare = {"phone": None, "reason": "", "campaign": "", "added_by": ""}
        connection.execute(update(suppressions).where(hashed).values(bare))
        by_wish = hashed & (suppressions.c.source == BY_WISH)
        connection.execute(update(suppressions).where(by_wish).values(reason=reason))

    def _forget_intents(self, phone: str, token: str) -> None:
        """The journal keeps its lines, for it proves that the ledger is whole."""
        if self._journal.exists() and self._journal.mentions(phone):
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


def _forget_attempts(connection: Connection, phone: str, token: str) -> int:
    """The provider's id leads to a recording: it goes, and that there was a call stays."""
    unnamed = type_coerce(FORGOTTEN, String).concat(attempts.c.attempt_id)
    was_placed = attempts.c.conversation_id.is_not(None)
    texts = ("error", "note", "resolved_by", "summary")
    known = connection.execute(
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
    return known.rowcount


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


def _forget_messages(connection: Connection, traces: Traces, now: str) -> int:
    """What CRM and sheet have not been told they will not be told; an alert goes on without
    their name. Returns how many are dropped."""
    dropped = 0
    for row in connection.execute(_messages_naming(traces)).all():
        values = _bare_message(row, traces)
        if not values.get("payload") and row.state in _UNDELIVERED:
            values |= {"state": "dropped", "next_at": None, "ended_at": now}
            dropped += 1
        connection.execute(update(messages).where(messages.c.id == row.id).values(values))
    return dropped


def _bare_message(row: Row[tuple[object, ...]], traces: Traces) -> dict[str, object]:
    told = row.payload
    if traces.is_theirs(row.key + json.dumps(told), told.get("row", {})):
        return {"payload": {}, "last_error": None}
    if "row" in told or "record" in told:
        return {"payload": told}  # of another one, whose id only looks alike
    return {"payload": json.loads(traces.taken_out_of(json.dumps(told, ensure_ascii=False)))}


def _messages_naming(traces: Traces) -> Select[tuple[object, ...]]:
    """Those that may; more than are theirs, where an id is short."""
    payload = cast(messages.c.payload, String)
    words = (json.dumps(name)[1:-1] for name in (*traces.names, *traces.calls))
    of_calls = (messages.c.key.startswith(call, autoescape=True) for call in traces.calls)
    naming = (payload.contains(word, autoescape=True) for word in words)
    return select(messages).where(or_(*naming, *of_calls))


def _forget_rejected(connection: Connection, phone: str) -> None:
    """A second row of theirs: its masked number."""
    theirs = rejected.c.value == mask_phone(phone)
    connection.execute(update(rejected).where(theirs).values(value=""))


def _without_person(intent: Intent, phone: str, token: str) -> Intent:
    return replace(intent, phone=token, contact_id=token) if intent.phone == phone else intent
