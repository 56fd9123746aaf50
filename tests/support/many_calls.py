"""A ledger with as many contacts and calls as a test wants, written at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, update

from callagent_cli.domain.contact import Contact
from callagent_cli.ledger.database import stamp
from callagent_cli.ledger.schema import IS_OPEN, attempts, contacts, runs
from callagent_cli.ledger.store import Ledger
from tests.support.hand_clock import HandClock

BEGAN = datetime(2026, 3, 2, 14, tzinfo=UTC)
HOSTILE = '</script><img src=x onerror=alert(1)> & "Bob" \'\u2028 🙂'
_ENDS = ("answered", "answered", "answered", "no_answer", "voicemail", "busy", "failed")
_ZONES = ("America/New_York", "America/Chicago", "Europe/Berlin")
_CALL_S = 40


def ledger_of(
    state_dir: Path, n: int, *, campaign: str = "spring", name: str = "ledger"
) -> Ledger:
    """n contacts: most called once, every fourth twice, the last tenth never. For the caller to
    close."""
    ledger = Ledger.open(state_dir, name=name, clock=HandClock(), enough_bytes=0)
    ledger.import_contacts(campaign, _people(n), source="people.csv")
    calls = list(_calls(n, campaign))
    with ledger._database.transaction() as connection:
        for no in (1, 2):  # an attempt neither begins completed, nor beside an open one
            begun = [{**call, "state": "unknown"} for call in calls if call["attempt_no"] == no]
            if begun:
                connection.execute(insert(attempts), begun)
            connection.execute(update(attempts).values(state="completed").where(IS_OPEN))
        for state, disposition in (("completed", "answered"), ("failed", "failed")):
            ended = [call["phone"] for call in calls if call["disposition"] == disposition]
            for some in range(0, len(ended), 500):
                connection.execute(
                    update(contacts)
                    .where(contacts.c.phone.in_(ended[some : some + 500]))
                    .values(state=state, disposition=disposition, reason=f"{disposition} <b>")
                )
        connection.execute(insert(runs), _run(campaign, len(calls)))
    return ledger


def _people(n: int) -> Iterator[Contact]:
    for k in range(n):
        name = HOSTILE if k == 1 else f"Person Number {k}"
        yield Contact(id=f"c{k:06d}", phone=_phone(k), name=name, line=k + 2)


def _calls(n: int, campaign: str) -> Iterator[dict[str, object]]:
    for k in range(n - n // 10):
        for no in (1, 2) if k % 4 == 3 else (1,):
            began = BEGAN + timedelta(seconds=k * 3) + timedelta(days=no - 1)
            yield {
                "attempt_id": f"ca_{k:023d}_{no}",
                "campaign": campaign,
                "phone": _phone(k),
                "attempt_no": no,
                "run_id": "run_1",
                "conversation_id": f"conv_{k * 7919:023d}_{no}",
                "claimed_at": stamp(began),
                "started_at": stamp(began),
                "ended_at": stamp(began + timedelta(seconds=_CALL_S)),
                "disposition": _ENDS[k * no % len(_ENDS)],
                "error": f"the line {_phone(k)} dropped" if k % 7 == 6 else None,
                "cost_usd": 0.0625,
                "evidence": {"zones": [_ZONES[k % len(_ZONES)]]},
                "looked_up": 0,
            }


def _run(campaign: str, calls: int) -> dict[str, object]:
    ended = stamp(BEGAN + timedelta(days=1, seconds=calls * 3))
    return {
        "run_id": "run_1",
        "campaign": campaign,
        "host": "here",
        "pid": 1,
        "started_at": stamp(BEGAN),
        "heartbeat_at": ended,
        "ended_at": ended,
        "exit_status": 3,
    }


def _phone(k: int) -> str:
    return f"+1202{k:07d}"
