"""`callagent forget`: nothing of the person is left in any file, and nobody calls them again."""

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import Contact
from callagent_cli.ledger.store import Ledger
from tests.support.command_line import call, environ, words_of

NUMBER, SPELLED = "+12025550110", "(202) 555-0110"
PERSONAL = (
    NUMBER,
    SPELLED,
    "2025550110",
    "Adalovelace",
    "ada@example.org",
    "patient-77",
    "tumour",
)
CONFIG = """sandbox: {speed: 1000000}
google_sheets: {enabled: true, backend: csv}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text(CONFIG)
    ada = f"patient-77,{SPELLED},Adalovelace,ada@example.org,tumour\n"
    bob = "patient-78,+12025550111,Bobby,bob@example.org,teeth\n"
    (tmp_path / "people.csv").write_text(f"id,phone,name,email,visit\n{ada}{bob}")
    return tmp_path


def run(folder: Path, campaign: str) -> None:
    ended = call(folder, "run", "people.csv", "-n", campaign, "-v")
    assert ended.status in {0, 4}, ended.err


def traces(folder: Path) -> list[str]:
    """`file: what` for each personal thing that stands in a file, but the contacts' own."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "people.csv"]
    found = ((path, path.read_bytes()) for path in files)
    return [
        f"{path.name}: {what}"
        for path, body in found
        for what in PERSONAL
        if what.encode() in body
    ]


def test_no_file_holds_anything_of_the_person(folder: Path) -> None:
    run(folder, "spring")
    run(folder, "autumn")
    before = json.loads(call(folder, "report", "spring", "--json").out)
    assert traces(folder), "the test must be able to fail"
    assert (folder / "logs" / "sheets_mirror.csv").exists()
    done = call(folder, "forget", NUMBER, "--yes", "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["contacts"] == 2
    assert traces(folder) == []
    after = json.loads(call(folder, "report", "spring", "--json").out)
    assert sum(after["totals"].values()) == sum(before["totals"].values())
    for figure in ("dispositions", "calls", "cost_usd", "by_attempt"):
        assert after[figure] == before[figure], figure
    others = [one for one in after["contacts"] if one["id"] == "patient-78"]
    assert others == [one for one in before["contacts"] if one["id"] == "patient-78"]


def test_the_same_file_again_calls_everybody_but_them_and_keeps_nothing_of_them(
    folder: Path,
) -> None:
    run(folder, "spring")
    assert call(folder, "forget", NUMBER, "--yes").status == 0
    run(folder, "summer")
    assert traces(folder) == []
    told = json.loads(call(folder, "report", "summer", "--json").out)
    assert [one["id"] for one in told["contacts"]] == ["patient-78"]
    assert told["rejected"][0]["reason"].startswith("this person was forgotten")
    planned = json.loads(call(folder, "plan", "people.csv", "-n", "fall", "--json").out)
    assert planned["verdicts"].get("skipped") == 1
    why = call(folder, "why", NUMBER).out
    assert "forgotten at their wish" in why
    run(folder, "spring")  # the old campaign goes on with the others


def test_to_forget_twice_is_to_forget(folder: Path) -> None:
    run(folder, "spring")
    for _ in range(2):
        assert call(folder, "forget", SPELLED, "--yes").status == 0
    assert traces(folder) == []
    assert call(folder, "dnc", "remove", NUMBER, "--by", "Kim", "--reason", "asked").status == 0
    run(folder, "spring")
    assert traces(folder), "they are in the file, and nothing keeps them out any more"
    assert call(folder, "forget", SPELLED, "--yes").status == 0
    assert traces(folder) == []


def test_a_call_in_doubt_must_be_settled_first(folder: Path) -> None:
    with Ledger.open(folder / ".callagent", clock=SystemClock()) as ledger:
        ledger.import_contacts("spring", [Contact("c1", NUMBER, "Adalovelace")], source="x")
        candidate = ledger.next_due("spring", SystemClock().now())
        assert candidate is not None
        claim = ledger.claim("spring", candidate, "run_1")
        assert claim is not None
        ticket = ledger.begin(claim, {}, run_id="run_1")
        ledger.record_unknown(ticket, error="read timeout")
    refused = call(folder, "forget", NUMBER, "--yes")
    assert refused.status == 2
    assert ticket.attempt_id in refused.err
    assert "callagent resolve" in refused.err
    assert traces(folder), "nothing was changed"


def test_without_a_word_of_agreement_nothing_is_erased(folder: Path) -> None:
    run(folder, "spring")
    refused = call(folder, "forget", NUMBER)
    assert (refused.status, "--yes" in refused.err) == (2, True)
    assert traces(folder)


def test_while_a_run_is_on_nothing_is_erased(folder: Path) -> None:
    state_dir = folder / ".callagent"
    with Ledger.open(state_dir, clock=SystemClock()) as ledger, ledger.hold("spring", "run_1"):
        assert call(folder, "forget", NUMBER, "--yes").status == 75


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_it_is_completed_by_the_same_command(seed: int, folder: Path) -> None:
    run(folder, "spring")
    delay_s = random.Random(seed).uniform(0.3, 1.0)
    forgetting = subprocess.Popen(
        words_of("forget", NUMBER, "--yes"), cwd=folder, env=environ(), stderr=subprocess.DEVNULL
    )
    try:
        forgetting.wait(delay_s)
    except subprocess.TimeoutExpired:
        os.kill(forgetting.pid, signal.SIGKILL)
    forgetting.wait()
    assert call(folder, "status").status == 0, "the ledger is whole"
    assert call(folder, "forget", NUMBER, "--yes").status == 0
    assert traces(folder) == []
    run(folder, "spring")
