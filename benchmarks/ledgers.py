"""Ledgers of any size, in the middle of their campaign: written at once, not called together."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, insert, update

from callagent_cli.domain.clock import SystemClock
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.schema import IS_OPEN, attempts, campaigns, contacts
from callagent_cli.ledger.store import Ledger

CAMPAIGN = "spring"
_BEGAN = datetime(2026, 3, 2, 14, tzinfo=UTC)
_BATCH = 10_000
_STATES = ("pending", "pending", "pending", "completed", "completed", "exhausted", "failed")
_ENDS = {"completed": "answered", "exhausted": "no_answer", "failed": "failed"}
_CALL_S = 40

Row = dict[str, object]


def write_ledger(state_dir: Path, n: int) -> None:
    """n contacts of one campaign: three of seven not called yet, the others called once."""
    Ledger.open(state_dir, name="sandbox", clock=SystemClock()).close()
    database = Database(state_dir / "sandbox.db")
    began = {"campaign": CAMPAIGN, "created_at": stamp(_BEGAN), "source": "people.csv"}
    with database.transaction() as connection:
        connection.execute(insert(campaigns), began)
        people = (_contact(k) for k in range(n))
        while batch := list(islice(people, _BATCH)):
            connection.execute(insert(contacts), batch)
            _call(connection, [row for row in batch if row["disposition"]])
    database.close()


def _contact(k: int) -> Row:
    state = _STATES[k % len(_STATES)]
    return {
        "campaign": CAMPAIGN,
        "phone": f"+1{2_000_000_000 + k}",
        "id": f"c{k:07d}",
        "name": f"Person Number {k}",
        "email": f"p{k}@example.com",
        "language": "",
        "timezone": "America/New_York",
        "consent": None,
        "variables": {"appointment": "Tuesday 10:30"},
        "line": k + 2,
        "position": k + 1,
        "state": state,
        "due_at": "",
        "reason": "",
        "is_transient": False,
        "disposition": _ENDS.get(state),
    }


def _call(connection: Connection, called: list[Row]) -> None:
    """An attempt does not begin completed: the ledger's own rules hold here as well."""
    if called:
        connection.execute(insert(attempts), list(_attempts(called)))
        connection.execute(update(attempts).where(IS_OPEN).values(state="completed"))


def _attempts(called: list[Row]) -> Iterator[Row]:
    for contact in called:
        k = int(str(contact["position"]))
        began = _BEGAN + timedelta(seconds=k)
        yield {
            "attempt_id": f"ca_{k:026d}",
            "campaign": CAMPAIGN,
            "phone": contact["phone"],
            "attempt_no": 1,
            "state": "unknown",
            "run_id": "run_1",
            "conversation_id": f"conv_{k:023d}",
            "claimed_at": stamp(began),
            "started_at": stamp(began),
            "ended_at": stamp(began + timedelta(seconds=_CALL_S)),
            "disposition": contact["disposition"],
            "cost_usd": 0.0625,
            "evidence": {},
            "looked_up": 0,
        }
