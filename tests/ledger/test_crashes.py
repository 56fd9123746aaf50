"""Killed at any step, crowded by processes and threads: nobody twice, nobody lost."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from callagent_cli.domain.call import Claim
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import Contact
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import people
from tests.ledger.processes import CREATION, STEPS
from tests.support.hand_clock import HandClock

ROOT = Path(__file__).parents[2]


def _process(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.ledger.processes", *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def _open(state_dir: Path) -> Ledger:
    return Ledger.open(state_dir, clock=SystemClock(), enough_bytes=0)


@pytest.mark.parametrize("step", STEPS)
def test_the_next_run_knows_what_a_killed_one_had_done(step: str, state_dir: Path) -> None:
    with _open(state_dir) as ledger:
        ledger.import_contacts("spring", people(2), source="x")
    died = _process("die", step, state_dir)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with _open(state_dir) as ledger:
        with ledger.hold("spring", "run_2"):
            found = ledger.recover()
        state = STEPS[step]
        assert (found.released, found.in_doubt) == (state == "claimed", state == "dialing")
        assert len(ledger.placed_calls("spring")) == (state == "placed")
        totals = {"pending": 2 if state == "claimed" else 1}
        if state != "claimed":
            is_lost = state == "dialing"
            totals["needs_review" if is_lost else _contact_state(state)] = 1
        assert ledger.totals("spring") == totals


def _contact_state(attempt_state: str) -> str:
    return {"placed": "in_progress", "completed": "completed"}[attempt_state]


@pytest.mark.parametrize("step", CREATION)
def test_a_ledger_whose_making_was_killed_is_made_again(step: str, state_dir: Path) -> None:
    died = _process("die", step, state_dir)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with _open(state_dir) as ledger:
        assert ledger.import_contacts("spring", people(2), source="x").new == 2
    with _open(state_dir) as ledger:
        assert ledger.totals("spring") == {"pending": 2}
    assert not list(state_dir.glob("*.draft*")), "nothing is left lying about"


def test_of_twenty_processes_no_two_claim_the_same_number(state_dir: Path) -> None:
    with _open(state_dir) as ledger:
        ledger.import_contacts("spring", _many(100), source="x")
    done = _process("crowd", 20, state_dir)
    assert done.returncode == 0, done.stderr
    claimed = Counter(phone for got in json.loads(done.stdout) for phone in got)
    assert set(claimed) == {person.phone for person in _many(100)}
    assert set(claimed.values()) == {1}


def test_of_twenty_first_runs_one_makes_the_ledger(state_dir: Path) -> None:
    done = _process("first", 20, state_dir)
    assert done.returncode == 0, done.stderr
    ended = Counter(what for got in json.loads(done.stdout) for what in got)
    assert set(ended) <= {"opened", "busy"}
    assert ended["opened"] >= 1
    with _open(state_dir) as ledger:
        assert ledger.campaign_names() == []


def test_threads_of_one_run_share_the_ledger(state_dir: Path, clock: HandClock) -> None:
    claims: list[Claim] = []
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as ledger:
        ledger.import_contacts("spring", _many(100), source="x")
        gate = threading.Barrier(8)

        def work() -> None:
            gate.wait()
            while candidate := ledger.next_due("spring", clock.now()):
                claim = ledger.claim("spring", candidate, "run_1")
                if claim is not None:
                    ledger.begin(claim, {}, run_id="run_1")
                    claims.append(claim)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({claim.contact.phone for claim in claims}) == len(claims) == 100
    lines = (state_dir / "ledger.journal").read_text().splitlines()
    generations = [json.loads(line.partition(" ")[2])["generation"] for line in lines[1:]]
    assert sorted(generations) == list(range(1, 101))


def _many(n: int) -> list[Contact]:
    return [Contact(id=f"c{k}", phone=f"+1202555{k:04d}", line=k + 2) for k in range(n)]
