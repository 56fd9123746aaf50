"""Every outage that `simulate` can play, as a user plays it: each promise is kept."""

import json
from pathlib import Path

import pytest

from callagent_cli.simulator.faults import SERVICES, FaultKind
from tests.support.command_line import call

PLAYS = [
    *(f"{service}" for service in SERVICES),
    *(f"all:{kind}" for kind in FaultKind),
    "crm:401",
    "llm:quota",
    "sheets:reset-after",
    "sheets:timeout@0-400",
]


@pytest.mark.parametrize("play", PLAYS)
def test_every_promise_is_kept(play: str, tmp_path: Path) -> None:
    ended = call(tmp_path, "simulate", "--fail", play, "--speed", "1000000", "--json")
    verdicts = {
        v["promise"]: (v["holds"], v["evidence"]) for v in json.loads(ended.out)["verdicts"]
    }
    assert [promise for promise, (holds, _) in verdicts.items() if not holds] == []
    assert ended.status == 0
    assert len(verdicts) >= 3, "a play that puts no promise to the test"


def test_several_at_once(tmp_path: Path) -> None:
    words = ("--fail", "crm", "--fail", "sheets:429", "--fail", "smtp:401")
    ended = call(tmp_path, "simulate", *words, "--speed", "1000000", COLUMNS="200")
    assert ended.status == 0, ended.out
    assert "the calls go on without the CRM" in ended.out
    assert "everything owed to the sheet arrives once it is back" in ended.out
    assert "FAIL" not in ended.out
