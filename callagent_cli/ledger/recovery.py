"""Making a ledger that can be trusted again, from what the dial journal knows.

The old file is moved aside and never deleted. Calls that only the journal knows are taken in as
`unknown`: nobody is called again blindly, the next run looks each of them up, and what it does
not find a person settles.
"""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, insert, select, update

from callagent_cli.domain.call import OPEN_STATES, AttemptState
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import identity
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.journal import Intent, Journal
from callagent_cli.ledger.schema import attempts, campaigns, contacts, meta

_REASON = "known from the dial journal only: may have been called"


def recover(ledger: Path, journal: Journal, now: datetime) -> int:
    """Make ledger and journal agree; returns how many calls were taken in as `unknown`."""
    if not journal.exists() and not ledger.exists():
        raise LedgerError("there is neither a ledger nor a dial journal here")
    if not _is_usable(ledger):
        _move_aside(ledger, now)
        identity.create(ledger, journal)
    database = Database(ledger)
    try:
        intents = list(journal.intents()) if journal.exists() else []
        with database.transaction() as connection:
            taken_in = sum(_take_in(connection, intent, now) for intent in intents)
        _rewrite(database, journal, intents, now)
    finally:
        database.close()
    return taken_in


def _is_usable(ledger: Path) -> bool:
    if not ledger.exists():
        return False
    try:
        identity.check_files(ledger, Journal(ledger.with_suffix(".journal")))
        database = Database(ledger)
        try:
            with database.reading() as connection:
                verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            return bool(verdict == "ok")
        finally:
            database.close()
    except LedgerError:
        return False


def _move_aside(path: Path, now: datetime) -> None:
    mark = f"{now:%Y%m%d-%H%M%S}"
    for file in path.parent.glob(f"{path.name}*"):
        if ".aside-" not in file.name:
            file.replace(file.with_name(f"{file.name}.aside-{mark}"))


def _take_in(connection: Connection, intent: Intent, now: datetime) -> bool:
    known = select(attempts.c.attempt_id).where(attempts.c.attempt_id == intent.attempt_id)
    if connection.execute(known).first() is not None:
        return False
    if _has_open_attempt(connection, intent.phone):
        return False  # that attempt already keeps the number from being called
    _ensure_in_doubt(connection, intent, now)
    connection.execute(
        insert(attempts).values(
            attempt_id=intent.attempt_id,
            campaign=intent.campaign,
            phone=intent.phone,
            attempt_no=1,
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


def _has_open_attempt(connection: Connection, phone: str) -> bool:
    held = select(attempts.c.attempt_id).where(
        attempts.c.phone == phone, attempts.c.state.in_(sorted(OPEN_STATES))
    )
    return connection.execute(held).first() is not None


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


def _rewrite(database: Database, journal: Journal, intents: list[Intent], now: datetime) -> None:
    """A journal that belongs to this ledger and holds what it holds; the old one is kept."""
    with database.reading() as connection:
        workspace = connection.execute(
            select(meta.c.value).where(meta.c.key == "workspace")
        ).scalar_one()
        known = set(connection.scalars(select(attempts.c.attempt_id)))
    if journal.exists():
        _move_aside(journal.path, now)
    journal.create(workspace)
    for intent in intents:
        if intent.attempt_id in known:
            journal.append(intent)
