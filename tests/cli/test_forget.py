"""`callagent forget`: nothing of the person is left in any file, and nobody calls them again."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import Contact
from callagent_cli.ledger.store import Ledger
from tests.support.command_line import call, environ

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


def test_why_it_was_done_is_kept_with_the_hash(folder: Path) -> None:
    assert call(folder, "forget", NUMBER, "--yes", "--reason", "letter of 3 May").status == 0
    listed = json.loads(call(folder, "dnc", "list", "--json").out)
    assert listed["numbers"] == {"forgotten": 1}
    assert "letter of 3 May" in (folder / "logs" / "app.log").read_text()


def test_killed_at_any_moment_it_is_completed_by_the_same_command(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(folder, "spring")
    seed = int(os.environ.get("CALLAGENT_SWEEP_SEED") or random.SystemRandom().randrange(10**6))
    steps = _steps_until_done(shutil.copytree(folder, tmp_path_factory.mktemp("whole") / "x"))
    print(f"seed {seed}, {steps} steps")
    dice, part = random.Random(seed), steps // 4
    for step in (dice.randrange(part) + 1 + k * part for k in range(4)):
        place = shutil.copytree(folder, tmp_path_factory.mktemp("killed") / "x")
        assert _forget_killed_at(step, place).returncode == -signal.SIGKILL, step
        assert call(place, "forget", NUMBER, "--yes").status == 0, step
        assert traces(place) == [], f"seed {seed}, step {step}"
        with Ledger.open_readonly(place / ".callagent", name="sandbox", clock=SystemClock()) as it:
            assert sum(it.totals("spring").values()) == 2, step


def _forget_killed_at(step: int, place: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.support.killed_command", str(step)]
    return subprocess.run(
        [*words, "forget", NUMBER, "--yes"],
        cwd=place,
        env=environ(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def _steps_until_done(place: Path) -> int:
    done = _forget_killed_at(0, place)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.rpartition("steps ")[2])
