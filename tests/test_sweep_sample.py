"""A sample of the proof in every test run; `python -m tests.sweeps --help` for the whole."""

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import is_required

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="the sweeps use strace and /proc"),
]
_SEED = int(os.environ.get("CALLAGENT_SWEEP_SEED") or random.SystemRandom().randrange(10**6))
_KINDS = "lines,sql,again" + (",syscalls" if shutil.which("strace") else "")


def _proof(*arguments: str) -> str:
    """Run the proof in a process of its own; its output, with the seed, is shown when it fails."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.sweeps", "--seed", str(_SEED)]
    done = subprocess.run(
        [*command, *arguments],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0, f"seed {_SEED}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_killed_at_200_points_nobody_is_called_twice_and_nobody_is_lost() -> None:
    assert "syscalls" in _KINDS or not is_required("strace"), "strace is not installed"
    output = _proof("--points", "200", "--kinds", _KINDS)
    total = re.search(r"\*\*all\*\* +\| +([\d,]+) \| +([\d,]+)", output)
    assert total is not None
    assert int(total[2].replace(",", "")) >= 200


def test_kill_in_the_middle_of_200_contacts_leaves_just_the_rest_to_be_called() -> None:
    _proof("--parts", "half-way", "--schedules", "ok")


def test_of_twenty_runs_at_one_ledger_one_works() -> None:
    _proof("--parts", "crowd", "--rounds", "2")


def test_a_ledger_that_cannot_be_trusted_is_not_dialled_from() -> None:
    _proof("--parts", "damage", "--places", "16")
