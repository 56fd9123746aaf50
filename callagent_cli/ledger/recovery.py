"""Making a ledger that can be trusted again, from what the dial journal knows.

The old file is moved aside and never deleted. Calls that only the journal knows are taken in as
`unknown`: nobody is called again blindly, the next run looks each of them up, and what it does
not find a person settles.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Row, String, cast, func, insert, select, update

from callagent_cli.domain.call import AttemptState, Disposition
from callagent_cli.domain.contact import FORGOTTEN, ContactState
from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import files, identity, migrations
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.folder import put_aside
from callagent_cli.ledger.journal import Intent, Journal
from callagent_cli.ledger.schema import (
    IS_OPEN,
    attempts,
    campaigns,
    contacts,
    meta,
)

_REASON = "known from the dial journal only: may have been called"
_FORGOTTEN = "forgotten at their wish; how the call ended is lost"
_LATER = "called; how it ended is lost: the dial journal has a later call of the same number"
_STEPS_TO_UNKNOWN: Mapping[str, tuple[AttemptState, ...]] = {
    AttemptState.CLAIMED: (AttemptState.DIALING, AttemptState.UNKNOWN),
    AttemptState.DIALING: (AttemptState.UNKNOWN,),
    AttemptState.PLACED: (),
    AttemptState.UNKNOWN: (),
}


def recover(ledger: Path, journal: Journal, now: datetime) -> int:
    """Make ledger and journal agree; returns how many calls were taken in as `unknown`.

    Only for the holder of the run's lock. Raises LedgerError when nothing is left to go by.
    """
    if not _is_usable(ledger):
        if not journal.exists():
            raise LedgerError(
                f"there is no usable ledger and no dial journal in {ledger.parent}",
                hint="put a backup there: nothing else tells who was called",
            )
        intents = list(journal.intents())
        put_aside(ledger, f"aside-{now:%Y%m%d-%H%M%S-%f}")
        identity.create(ledger, journal)
    else:
        intents = list(journal.intents()) if journal.exists() else []
    database = Database(ledger)
    try:
        version = identity.schema_version(database)
        if version < files.SCHEMA_VERSION:
            migrations.migrate(database, version, now)
        with database.transaction() as connection:
            taken_in = sum(_take_in(connection, intent, now) for intent in intents)
            for token in {one.phone for one in intents if one.phone.startswith(FORGOTTEN)}:
                # nobody reviews a call to a person who is forgotten
                _end_earlier(connection, token, now, _FORGOTTEN)
        _rewrite_journal(database, journal, intents, now)
    finally:
        database.close()
    return taken_in


def _is_usable(ledger: Path) -> bool:
    """Whole and ours; a ledger of a newer program is whole, and refused later."""
    if not ledger.exists():
        return False
    try:
        files.check_head(ledger)
        database = Database(ledger)
        try:
            identity.check_undamaged(database)
            identity.meta_value(database, "workspace")
        finally:
            database.close()
    except LedgerError:
        return False
    return True


def _take_in(connection: Connection, intent: Intent, now: datetime) -> bool:
    """One dial of the journal, oldest first; False when the ledger knows it as begun."""
    this = attempts.c.attempt_id == intent.attempt_id
    known = connection.execute(select(attempts).where(this)).first()
    if known is not None:
        return known.state == AttemptState.CLAIMED and _doubt(connection, known)
    _end_earlier(connection, intent.phone, now, _LATER)
    _ensure_in_doubt(connection, intent, now)
    earlier = select(func.count()).where(
        attempts.c.campaign == intent.campaign, attempts.c.phone == intent.phone
    )
    connection.execute(
        insert(attempts).values(
            attempt_id=intent.attempt_id,
            campaign=intent.campaign,
            phone=intent.phone,
            attempt_no=connection.execute(earlier).scalar_one() + 1,
            state=AttemptState.UNKNOWN.value,
            run_id="recovered",
            claimed_at=stamp(intent.started_at),
            started_at=stamp(intent.started_at),
            error=_REASON,
            error_category="ambiguous",
            looked_up=0,
        )
    )
    return True


def _end_earlier(connection: Connection, phone: str, now: datetime, why: str) -> None:
    """An open attempt of the same number: it had ended, or the later one had not begun. How it
    ended is lost; it counts as a call."""
    row = connection.execute(select(attempts).where(attempts.c.phone == phone, IS_OPEN)).first()
    if row is None:
        return
    this = attempts.c.attempt_id == row.attempt_id
    for state in _STEPS_TO_UNKNOWN[row.state]:
        connection.execute(update(attempts).where(this).values(state=state.value))
    connection.execute(
        update(attempts)
        .where(this)
        .values(
            state=AttemptState.COMPLETED.value,
            started_at=row.started_at or row.claimed_at,
            disposition=Disposition.UNKNOWN.value,
            ended_at=stamp(now),
            resolved_by="recovery",
            note=why,
        )
    )
    connection.execute(
        update(contacts)
        .where(contacts.c.campaign == row.campaign, contacts.c.phone == phone)
        .values(state=ContactState.COMPLETED.value, reason=why)
    )


def _doubt(connection: Connection, row: Row[tuple[object, ...]]) -> bool:
    """The ledger knows a claim only; the journal knows that it went on to a dial."""
    this = attempts.c.attempt_id == row.attempt_id
    for state in _STEPS_TO_UNKNOWN[AttemptState.CLAIMED]:
        connection.execute(
            update(attempts)
            .where(this)
            .values(
                state=state.value,
                started_at=row.claimed_at,
                error=_REASON,
                error_category="ambiguous",
            )
        )
    connection.execute(
        update(contacts)
        .where(contacts.c.campaign == row.campaign, contacts.c.phone == row.phone)
        .values(state=ContactState.NEEDS_REVIEW.value, reason=_REASON, due_at="")
    )
    return True


def _ensure_in_doubt(connection: Connection, intent: Intent, now: datetime) -> None:
    """The campaign and the contact exist, and the contact waits for a person."""
    campaign, phone = intent.campaign, intent.phone
    if not connection.execute(select(campaigns).where(campaigns.c.campaign == campaign)).first():
        connection.execute(
            insert(campaigns).values(campaign=campaign, created_at=stamp(now), source="recovered")
        )
    this = (contacts.c.campaign == campaign) & (contacts.c.phone == phone)
    doubt = {"state": ContactState.NEEDS_REVIEW.value, "reason": _REASON, "due_at": ""}
    if connection.execute(update(contacts).where(this).values(doubt)).rowcount:
        return
    last = select(func.coalesce(func.max(contacts.c.position), 0)).where(
        contacts.c.campaign == campaign
    )
    connection.execute(
        insert(contacts).values(
            campaign=campaign,
            phone=phone,
            id=intent.contact_id,
            name="",
            email="",
            language="",
            timezone="",
            variables={},
            line=0,
            position=connection.execute(last).scalar_one() + 1,
            is_transient=False,
            **doubt,
        )
    )


def _rewrite_journal(
    database: Database, journal: Journal, intents: list[Intent], now: datetime
) -> None:
    """A journal that belongs to this ledger and holds what it held; the old one is kept."""
    newest = max((intent.generation for intent in intents), default=0)
    with database.transaction() as connection:
        begun = select(func.count()).where(attempts.c.started_at.is_not(None))
        generation = max(newest, connection.execute(begun).scalar_one())
        connection.execute(
            update(meta).where(meta.c.key == "generation").values(value=cast(generation, String))
        )
    if journal.exists():
        aside = journal.path.with_name(f"{journal.path.name}.aside-{now:%Y%m%d-%H%M%S-%f}")
        aside.hardlink_to(journal.path)
    journal.create(identity.meta_value(database, "workspace"), intents)
