"""`callagent breaker`: what a person holds open is heeded by this run and the next."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import Typed, call, environ, words_of

_ROWS = "".join(f"c{n},Ada,+1202555010{n},America/New_York\n" for n in range(6))
_OPEN = ("breaker", "open", "elevenlabs", "--reason", "migration", "--by", "Kim")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text(
        "sandbox: {speed: 1000000}\ncampaign: {max_outage_wait: 60}\n"
    )
    (tmp_path / "people.csv").write_text(f"id,name,phone,timezone\n{_ROWS}")
    return tmp_path


def events(folder: Path, *names: str) -> list[dict[str, object]]:
    lines = (folder / "logs/app.log").read_text().splitlines()
    told: list[dict[str, object]] = [json.loads(line) for line in lines]
    return [line for line in told if line["event"] in names]


def test_the_next_run_calls_nobody_until_it_is_lifted(folder: Path, typed: Typed) -> None:
    assert typed(*_OPEN).status == 0
    ended = typed("run", "people.csv", "--json")
    told = json.loads(ended.out)
    assert (ended.status, told["dialled"]) == (4, 0)
    assert "elevenlabs is still held open by Kim" in told["reason"]
    assert "`callagent breaker close elevenlabs`" in told["reason"]
    assert typed("breaker", "close", "elevenlabs").status == 0
    assert json.loads(typed("run", "people.csv", "--json").out)["dialled"] == 6


def test_status_says_who_why_and_how_to_lift_it(folder: Path, typed: Typed) -> None:
    typed(*_OPEN)
    shown = " ".join(typed("status").out.split())
    assert shown.startswith("elevenlabs is held open by Kim since ")
    assert "migration: callagent breaker close elevenlabs" in shown
    (hold,) = json.loads(typed("status", "--json").out)["holds"]
    assert (hold["service"], hold["by"], hold["reason"]) == ("elevenlabs", "Kim", "migration")
    typed("breaker", "close", "elevenlabs")
    assert json.loads(typed("status", "--json").out)["holds"] == []


def test_health_shows_it_as_forced_open(folder: Path, typed: Typed) -> None:
    typed(*_OPEN)
    ended = typed("health", "elevenlabs", "--json")
    (row,) = json.loads(ended.out)["services"]
    assert (ended.status, row["status"], row["breaker_state"]) == (3, "degraded", "forced_open")
    assert "held open by Kim" in row["detail"]


def test_doctor_finds_it(folder: Path, typed: Typed) -> None:
    typed(*_OPEN)
    assert "problem: ledger: elevenlabs is held open by Kim" in typed("doctor").out


def test_both_are_logged_with_the_person(folder: Path, typed: Typed) -> None:
    typed(*_OPEN)
    typed("breaker", "close", "elevenlabs", "--by", "Lee", "--reason", "done")
    held, released = events(folder, "breaker.held", "breaker.released")
    assert (held["by"], held["reason"], held["breaker_state"]) == (
        "Kim",
        "migration",
        "forced_open",
    )
    assert (released["by"], released["reason"], released["breaker_state"]) == (
        "Lee",
        "done",
        "closed",
    )


def test_another_service_held_open_stops_no_call(folder: Path, typed: Typed) -> None:
    typed("breaker", "open", "crm", "--reason", "migration")
    assert typed("run", "people.csv", "--quiet").status == 0


def test_what_a_person_knows_is_no_alert(folder: Path, typed: Typed) -> None:
    typed(*_OPEN)
    typed("run", "people.csv", "--quiet")
    assert [line["service"] for line in events(folder, "breaker.opened")] == ["elevenlabs"]
    assert json.loads(typed("status", "--json").out)["incidents"] == []


def test_a_run_that_is_on_heeds_both(folder: Path) -> None:
    # slow enough to be still on when a command has been typed on a busy machine
    (folder / "config.yml").write_text("sandbox: {speed: 30}\ncampaign: {max_outage_wait: 2h}\n")
    run = subprocess.Popen(
        words_of("run", "people.csv", "-v"),
        cwd=folder,
        env=environ(PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert run.stdout is not None
    try:
        next(line for line in run.stdout if "c0 " in line)
        assert call(folder, *_OPEN).status == 0
        next(line for line in run.stdout if "breaker opened: held open by Kim" in line)
        assert call(folder, "breaker", "close", "elevenlabs").status == 0
        next(line for line in run.stdout if "breaker closed" in line)
        run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 0
    placed = events(folder, "call.placed")
    assert len(placed) == 6
    assert len({line["contact_id"] for line in placed}) == 6
