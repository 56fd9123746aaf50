"""Processes of their own for the ledger's tests: one that dies at a chosen step, and a crowd.

`python -m tests.ledger.processes die STEP STATE_DIR` begins one call and dies as `kill -9` does.
`python -m tests.ledger.processes crowd N STATE_DIR` forks N processes that claim what they can
and prints what each got; `first` lets N processes open a ledger that is not there yet.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import LedgerBusy
from callagent_cli.ledger import identity, journal
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger

CLAIMED, DIALING, PLACED, COMPLETED = "claimed", "dialing", "placed", "completed"
CREATION = ("draft is written", "journal is made", "ledger is in place")
STEPS = {  # what is done when it dies → state in which the next run finds the attempt
    "claim": CLAIMED,
    "intent in the ledger": DIALING,
    "half a line in the journal": DIALING,
    "line not yet on the disk": DIALING,
    "begin": DIALING,
    "placed": PLACED,
    "completed": COMPLETED,
}


def die(*_: object, **__: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _half_then_die(handle: int, line: bytes) -> NoReturn:
    _true_write(handle, line[: len(line) // 2])
    die()


def _after(call: Callable[..., None]) -> Callable[..., None]:
    def call_then_die(*args: object, **kwargs: object) -> None:
        call(*args, **kwargs)
        die()

    return call_then_die


_true_write = os.write


def _open(state_dir: Path) -> Ledger:
    return Ledger.open(state_dir, clock=SystemClock(), enough_bytes=0)


def _die_while_creating(step: str, state_dir: Path) -> NoReturn:
    match step:
        case "draft is written":
            journal.Journal.create = die  # type: ignore[method-assign]
        case "journal is made":
            journal.Journal.create = _after(journal.Journal.create)  # type: ignore[method-assign]
        case "ledger is in place":
            identity.check_content = die
    _open(state_dir)
    raise AssertionError(step)


def _die_while_calling(step: str, state_dir: Path) -> NoReturn:
    ledger, now = _open(state_dir), datetime.now(UTC) + timedelta(days=1)
    candidate = ledger.next_due("spring", now)
    assert candidate is not None
    claim = ledger.claim("spring", candidate, "run_1")
    assert claim is not None
    match step:
        case "claim":
            die()
        case "intent in the ledger":
            journal.Journal.append = die  # type: ignore[method-assign]
        case "half a line in the journal":
            os.write = _half_then_die  # type: ignore[assignment]
        case "line not yet on the disk":
            os.fsync = die
    ticket = ledger.begin(claim, {}, run_id="run_1")
    if step == "begin":
        die()
    ledger.record_placed(ticket, Placed("conv_1"))
    if step == "placed":
        die()
    outcome = Outcome(Disposition.ANSWERED, now)
    ledger.record_completed(ticket, outcome, NextStep(ContactState.COMPLETED))
    die()


def _claim_all(state_dir: Path) -> list[str]:
    with _open(state_dir) as ledger:
        claimed, now = [], datetime.now(UTC) + timedelta(days=1)
        while candidate := ledger.next_due("spring", now):
            if claim := ledger.claim("spring", candidate, f"run_{os.getpid()}"):
                claimed.append(claim.contact.phone)
        return claimed


def _open_first(state_dir: Path) -> list[str]:
    try:
        with _open(state_dir):
            return ["opened"]
    except LedgerBusy:
        return ["busy"]


def _crowd(n: int, work: Callable[[Path], list[str]], state_dir: Path) -> None:
    """All wait at one gate, so that they start at the same moment."""
    gate_read, gate_write = os.pipe()
    outs = []
    for _ in range(n):
        out_read, out_write = os.pipe()
        if os.fork() == 0:
            os.close(gate_write)
            os.read(gate_read, 1)
            os.write(out_write, json.dumps(work(state_dir)).encode())
            os._exit(0)
        os.close(out_write)
        outs.append(out_read)
    os.close(gate_write)  # the gate opens
    print(json.dumps([_read_all(out) for out in outs]))


def _read_all(out: int) -> object:
    with os.fdopen(out, "rb") as file:
        return json.loads(file.read() or b'["died"]')


if __name__ == "__main__":
    what, which, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    match what:
        case "die" if which in CREATION:
            _die_while_creating(which, folder)
        case "die":
            _die_while_calling(which, folder)
        case "crowd":
            _crowd(int(which), _claim_all, folder)
        case "first":
            _crowd(int(which), _open_first, folder)
