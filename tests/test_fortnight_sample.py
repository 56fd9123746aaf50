"""Few people of the fortnight; `python -m tests.sweeps.fortnight` for ten thousand."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.oracle import fortnight as oracle
from tests.sweeps import fortnight

_ROOT = Path(__file__).resolve().parents[1]
_SEED = int(os.environ.get("CALLAGENT_SWEEP_SEED") or random.SystemRandom().randrange(10**6))


def test_every_dial_of_a_fortnight_is_legal_and_nobody_is_forgotten() -> None:
    flags = ("--people", "60", "--every-hours", "6", "--seed", str(_SEED))
    command = [sys.executable, "-m", "tests.sweeps.fortnight", *flags]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, f"seed {_SEED}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}"


def test_the_oracle_would_notice_a_call_at_night_and_one_too_many(tmp_path: Path) -> None:
    assert not fortnight.play(tmp_path, fortnight.Size(24, timedelta(hours=6), days=3), seed=5)
    lived = oracle.read(tmp_path, fortnight.RULES)

    def with_calls(calls: list[oracle.Call]) -> oracle.Fortnight:
        return oracle.Fortnight(lived.rules, lived.people, calls, lived.runs, lived.listed)

    first, *others = lived.calls
    assert not oracle.violations(with_calls([first, *others]))
    assert oracle.violations(with_calls([first, first, *others])), "called twice"
    assert oracle.violations(with_calls(others)), "a call that was due was not made"
    shifted = (replace(first, at=first.at.replace(hour=hour)) for hour in range(24))
    wrong = [bool(oracle.violations(with_calls([call, *others]))) for call in shifted]
    assert sum(wrong) >= 11, "the night has eleven hours"
