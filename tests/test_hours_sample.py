"""Some zones of the sweep over the calling hours; `python -m tests.sweeps.hours` for all."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracle import calling_hours as oracle
from tests.sweeps import hours

_ROOT = Path(__file__).resolve().parents[1]
_SEED = int(os.environ.get("CALLAGENT_SWEEP_SEED") or random.SystemRandom().randrange(10**6))


def test_every_minute_of_three_years_is_as_an_independent_count_has_it() -> None:
    command = [sys.executable, "-m", "tests.sweeps.hours", "--zones", "4", "--seed", str(_SEED)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, f"seed {_SEED}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}"


def test_the_count_would_notice_an_hour_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    stretches = oracle.stretches_of("Europe/Paris")
    others = oracle.Calendar(oracle.rule_of("us"))
    monkeypatch.setattr(hours, "calendar_of", lambda _: others)
    assert hours.compare(hours.Case("fr"), "Europe/Paris", stretches).wrong


def test_the_page_shows_the_presets_as_they_are() -> None:
    page = (_ROOT / "docs" / "calling-hours.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- figures: presets -->\n(.*?)\n<!-- end", page, re.DOTALL)
    assert block is not None
    assert block[1] == hours.presets_table(), "run tests.sweeps.hours with --write-report"
