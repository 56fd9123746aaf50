"""How all campaigns stand, at once: asked while a run is on, of a ledger of any size.

`peek_overview` needs no SQLAlchemy, which takes longer to import than the answer may take.
Nothing is counted here: the ledger's triggers keep the counts.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callagent_cli.domain.alert import Incident
from callagent_cli.domain.call import OPEN_STATES, AttemptState
from callagent_cli.domain.contact import WAITING_STATES
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.hold import Hold
from callagent_cli.ledger.files import (
    NEVER,
    SCHEMA_VERSION,
    check_files,
    files_of,
    hint_for,
    in_words,
)
from callagent_cli.ledger.fleet_records import FleetNow
from callagent_cli.ledger.lock import is_held

# Word for word the conditions of the partial indexes: SQLite finds them by literals.
_WAITING = ", ".join(f"'{state}'" for state in WAITING_STATES)
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
_BEGUN = (
    "SELECT campaign, created_at, source, (SELECT min(due_at) FROM contacts WHERE "  # noqa: S608
    f"contacts.campaign = campaigns.campaign AND state IN ({_WAITING})) "
    "FROM campaigns ORDER BY created_at"
)
_SPENT = "SELECT campaign, sum(cost_usd) FROM call_counts GROUP BY campaign HAVING sum(priced) > 0"
_IN_DOUBT = (
    f"SELECT campaign, count(*) FROM attempts WHERE state IN ({_OPEN}) "  # noqa: S608
    f"AND state = '{AttemptState.UNKNOWN}' GROUP BY campaign"
)
_AT_ONCE = datetime.min.replace(tzinfo=UTC)
_PATIENCE_S = 5.0

Ask = Callable[[str], Iterable[Any]]  # SQL → rows, tuples of columns


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign: str
    created_at: datetime
    totals: Mapping[str, int]
    dispositions: Mapping[str, int]
    cost_usd: float | None
    next_at: datetime | None  # earliest time at which a contact is due; past: it is due
    rejected: int
    is_running: bool  # a live run holds the ledger for it
    source: str = ""  # the name of what its contacts came from
    in_doubt: int = 0  # attempts that may have rung


@dataclass(frozen=True, slots=True)
class RunOn:
    """A run that holds the ledger."""

    run_id: str
    campaign: str  # empty: a change by hand
    pid: int
    host: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class RunEnd:
    exit_status: int | None  # None: it died; the next run found it so


@dataclass(frozen=True, slots=True)
class Overview:
    """latest_at: the latest time that the ledger has recorded."""

    campaigns: Sequence[CampaignRow] = ()  # the oldest first
    owed_to: Mapping[str, int] = field(default_factory=dict)  # destination → messages
    dead_to: Mapping[str, int] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()  # that are open
    holds: Sequence[Hold] = ()  # breakers that a person holds open
    run: RunOn | None = None  # that is on
    latest_at: datetime | None = None
    fleet: FleetNow | None = None  # of a ledger on a server


def peek_overview(state_dir: Path, *, name: str = "ledger") -> Overview | None:
    """None where nobody was ever about to be called. Raises LedgerError."""
    path, journal, lock = files_of(state_dir, name)
    with in_words(state_dir):
        if not path.exists() and (not journal.exists() or journal.knows_nobody()):
            return None
        check_files(path, journal)
    place = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE_S)) as connection:
            connection.execute("BEGIN")  # one moment for all of it
            _check_version(path, connection)
            _check_here(path, connection)
            return read_overview(connection.execute, is_run_on=is_held(lock))
    except (sqlite3.Error, ValueError) as error:
        words = str(error) if isinstance(error, sqlite3.Error) else "it cannot be read"
        raise LedgerError(
            f"the ledger {path} cannot be used: {words}", hint=hint_for(words)
        ) from None


def peek_end(state_dir: Path, run_id: str, *, name: str = "ledger") -> RunEnd | None:
    """How a run ended; None for one that has not said so. Raises sqlite3.Error."""
    path, _, _ = files_of(state_dir, name)
    place = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE_S)) as connection:
        asked = "SELECT exit_status FROM runs WHERE run_id = ? AND ended_at IS NOT NULL"
        row = connection.execute(asked, (run_id,)).fetchone()
    return None if row is None else RunEnd(row[0])


def _check_version(path: Path, connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < SCHEMA_VERSION:
        raise LedgerError(
            f"{path} was written by an older callagent",
            hint="the next `callagent run` brings it up to date",
        )
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"{path} was written by a newer callagent (schema {version})",
            hint="upgrade callagent on this machine",
        )


def _check_here(path: Path, connection: sqlite3.Connection) -> None:
    """As `identity.require_here`."""
    moved = connection.execute("SELECT value FROM meta WHERE key = 'moved_to'").fetchone()
    if moved is not None:
        raise LedgerError(
            f"{path} was left behind: the ledger is now {moved[0]}",
            hint="set CALLAGENT_DATABASE_URL to it",
        )


def read_overview(ask: Ask, *, is_run_on: bool) -> Overview:
    """In one transaction. is_run_on: whether a live run holds the ledger."""
    run = _run(ask) if is_run_on else None
    return Overview(
        campaigns=tuple(_campaigns(ask, run)),
        owed_to=_messages(ask, "owed"),
        dead_to=_messages(ask, "dead"),
        incidents=tuple(_incidents(ask)),
        holds=tuple(_holds(ask)),
        run=run,
        latest_at=_latest(ask),
    )


def _run(ask: Ask) -> RunOn | None:
    """Who has taken the ledger last and not said how it ended."""
    latest = (
        "SELECT run_id, campaign, pid, host, started_at FROM runs WHERE ended_at IS NULL "
        "ORDER BY started_at DESC LIMIT 1"
    )
    for run_id, campaign, pid, host, started_at in ask(latest):
        return RunOn(run_id, campaign, pid, host, datetime.fromisoformat(started_at))
    return None


def _campaigns(ask: Ask, run: RunOn | None) -> Iterator[CampaignRow]:
    totals = _by_campaign(ask("SELECT campaign, state, contacts FROM contact_counts"))
    calls = _by_campaign(ask("SELECT campaign, disposition, attempts FROM call_counts"))
    rejected = dict(ask("SELECT campaign, count(*) FROM rejected GROUP BY campaign"))
    spent, in_doubt = dict(ask(_SPENT)), dict(ask(_IN_DOUBT))
    for campaign, created_at, source, due_at in ask(_BEGUN):
        cost_usd = spent.get(campaign)
        yield CampaignRow(
            campaign=campaign,
            created_at=datetime.fromisoformat(created_at),
            totals=totals.get(campaign, {}),
            dispositions=calls.get(campaign, {}),
            cost_usd=None if cost_usd is None else round(cost_usd, 6),
            next_at=_due(due_at),
            rejected=rejected.get(campaign, 0),
            is_running=run is not None and run.campaign == campaign,
            source=source,
            in_doubt=in_doubt.get(campaign, 0),
        )


def _by_campaign(rows: Iterable[Sequence[Any]]) -> dict[str, dict[str, int]]:
    """campaign → name → n; neither what is empty nor what has no name."""
    counts: dict[str, dict[str, int]] = {}
    for campaign, name, n in rows:
        if name and n:
            counts.setdefault(campaign, {})[name] = n
    return {campaign: dict(sorted(found.items())) for campaign, found in counts.items()}


def _due(due_at: str | None) -> datetime | None:
    if due_at is None or due_at == NEVER:
        return None
    return datetime.fromisoformat(due_at) if due_at else _AT_ONCE


def _messages(ask: Ask, state: str) -> dict[str, int]:
    counted = f"SELECT destination, count(*) FROM messages WHERE state = '{state}'"  # noqa: S608
    return dict(ask(f"{counted} GROUP BY destination ORDER BY destination"))


def _incidents(ask: Ask) -> Iterator[Incident]:
    standing = (
        "SELECT service, is_refusal, opened_at, told_at, error, repeats, counts FROM incidents "
        "WHERE closed_at IS NULL ORDER BY id"
    )
    for service, is_refusal, opened_at, told_at, error, repeats, counts in ask(standing):
        yield Incident(
            service=service,
            is_refusal=bool(is_refusal),
            opened_at=datetime.fromisoformat(opened_at),
            told_at=datetime.fromisoformat(told_at),
            error=error,
            repeats=repeats,
            counts=json.loads(counts) if isinstance(counts, str) else counts,
        )


def _holds(ask: Ask) -> Iterator[Hold]:
    for service, reason, by, since in ask(
        "SELECT service, reason, held_by, since FROM breaker_holds ORDER BY service"
    ):
        yield Hold(service, reason, by, datetime.fromisoformat(since))


def _latest(ask: Ask) -> datetime | None:
    told = [
        time
        for asked in (
            "SELECT max(heartbeat_at) FROM runs",
            "SELECT max(claimed_at) FROM attempts",
            "SELECT max(latest_end_at) FROM call_counts",
        )
        for (time,) in ask(asked)
    ]
    return max((datetime.fromisoformat(time) for time in told if time), default=None)
