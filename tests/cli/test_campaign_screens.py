"""`run`, `status` and `report` after a sandbox campaign with hostile names."""

import csv
import json
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.cells import cell_len

from tests.support.command_line import Ended, call, environ, words_of

Finished = tuple[Path, Ended]
TEXT = {"type": "string"}
MAYBE = {"type": ["string", "null"]}
NUMBER = {"type": "number"}
MAYBE_NUMBER = {"type": ["number", "null"]}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
ATTEMPT = {
    "attempt_id": TEXT,
    "attempt_no": {"type": "integer"},
    "state": TEXT,
    "conversation_id": MAYBE,
    "started_at": MAYBE,
    "ended_at": MAYBE,
    "disposition": MAYBE,
    "error": MAYBE,
    "error_category": MAYBE,
}


def exactly(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def several(**properties: object) -> dict[str, object]:
    return {"type": "array", "items": exactly(**properties)}


REACH = {"calls": {"type": "integer"}, "answered": {"type": "integer"}, "reach": NUMBER}
REPORT = exactly(
    campaign=TEXT,
    as_of=MAYBE,
    contact_count={"type": "integer"},
    rejected_count={"type": "integer"},
    calls=exactly(**REACH),
    cost=exactly(
        total_usd=MAYBE_NUMBER,
        per_call_usd=MAYBE_NUMBER,
        per_answered_usd=MAYBE_NUMBER,
        by_disposition={"type": "object", "additionalProperties": NUMBER},
    ),
    by_attempt=several(attempt_no={"type": "integer"}, **REACH),
    by_hour=several(hour={"type": ["integer", "null"]}, **REACH),
    by_time=several(begins_at=TEXT, ends_at=TEXT, calls={"type": "integer"}, dispositions=COUNTS),
    failures=several(cause=TEXT, category=TEXT, contacts={"type": "integer"}, remedy=TEXT),
    runs=several(
        run_id=TEXT, started_at=TEXT, ended_at=MAYBE, exit_status={"type": ["integer", "null"]}
    ),
    incidents=several(
        service=TEXT,
        is_refusal={"type": "boolean"},
        opened_at=TEXT,
        closed_at=MAYBE,
        error=TEXT,
        reminders={"type": "integer"},
    ),
    alerts=several(at=TEXT, kind=TEXT, about=TEXT, channels={"type": "object"}),
    breakers=several(service=TEXT, state=TEXT, begins_at=TEXT, ends_at=TEXT, reason=TEXT),
    services=several(
        service=TEXT,
        requests={"type": "integer"},
        failures={"type": "integer"},
        retries={"type": "integer"},
        mean_ms=MAYBE_NUMBER,
        p50_ms=MAYBE_NUMBER,
        p95_ms=MAYBE_NUMBER,
    ),
    retries=COUNTS,
    latency=several(service=TEXT, up_to_ms=MAYBE_NUMBER, requests={"type": "integer"}),
    totals=COUNTS,
    dispositions=COUNTS,
    cost_usd={"type": ["number", "null"]},
    contacts={
        "type": "array",
        "items": exactly(
            id=TEXT,
            phone=TEXT,
            name=TEXT,
            state=TEXT,
            disposition=MAYBE,
            attempts={"type": "array", "items": exactly(**ATTEMPT)},
            next_at=MAYBE,
            reason=TEXT,
        ),
    },
    rejected={
        "type": "array",
        "items": exactly(line={"type": "integer"}, column=TEXT, value=TEXT, reason=TEXT),
    },
)


def report(finished: Finished, *words: str) -> dict[str, Any]:
    ended = call(finished[0], "report", "people", "--json", *words)
    assert (ended.status, ended.err) == (0, "")
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_run_without_a_terminal_prints_one_line_on_stdout(finished: Finished) -> None:
    ended = finished[1]
    [line] = ended.out.splitlines()
    assert line.startswith("people: ")
    assert "no real call was placed" in line
    assert "\x1b" not in ended.out + ended.err
    assert "1 rejected row: " in ended.err


def test_report_is_the_object_of_the_interface(finished: Finished) -> None:
    found = report(finished)
    jsonschema.validate(found, REPORT)
    assert sum(found["totals"].values()) == len(found["contacts"]) == 4
    assert [row["line"] for row in found["rejected"]] == [6]


def test_report_masks_numbers_unless_told_otherwise(finished: Finished) -> None:
    masked, whole = json.dumps(report(finished)), report(finished, "--show-pii")
    assert "5550101" not in masked
    assert "5550103" not in masked  # the id of a contact that has none is its number
    assert whole["contacts"][0]["phone"] == "+12025550101"


def test_report_for_people_is_clean_and_fits(finished: Finished) -> None:
    for width in (80, 200):
        ended = call(finished[0], "report", "people", COLUMNS=str(width))
        lines = ended.out.splitlines()
        assert all(cell_len(line) <= width for line in lines)
        assert all(line.isprintable() for line in lines)
        assert "[/foo]" in ended.out
        assert "陈伟" in ended.out
        assert "5550101" not in ended.out


def test_status_and_report_tell_the_sandboxs_time(tmp_path: Path) -> None:
    """Whatever the wall clock says: what is due after the sandbox's last call is not due now."""
    rules = "redial: {voicemail: 30m}, min_gap_between_attempts: 1s"
    (tmp_path / "config.yml").write_text(f"sandbox: {{speed: 1000000}}\ncampaign: {{{rules}}}\n")
    rows = "".join(f"+1202555010{n},America/New_York\n" for n in range(4))
    (tmp_path / "people.csv").write_text(f"phone,timezone\n{rows}")
    assert call(tmp_path, "run", "people.csv").status == 0
    due = [row["next_at"] for row in report((tmp_path, Ended(0, "", "")))["contacts"]]
    [row] = json.loads(call(tmp_path, "status", "--json").out)["campaigns"]
    assert row["next_at"][:23] == min(filter(None, due))[:23]


@pytest.mark.parametrize("words", [["status"], ["plan", "people.csv"], ["deliveries", "list"]])
def test_a_lost_ledger_is_not_taken_for_a_fresh_start(
    words: list[str], finished: Finished, tmp_path: Path
) -> None:
    """Its journal says that people have been called: a plan that calls them all is wrong."""
    folder = tmp_path / "copy"
    shutil.copytree(finished[0], folder)
    (folder / ".callagent" / "sandbox.db").unlink()
    ended = call(folder, *words)
    assert (ended.status, ended.out) == (2, "")
    assert "people have been called" in ended.err
    assert "callagent ledger recover" in ended.err


@pytest.mark.parametrize("words", [["status"], ["report", "people"], ["deliveries", "list"]])
def test_a_state_dir_that_cannot_be_looked_into_is_no_bug(
    words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "config.yml").write_text(f"state_dir: {'x' * 300}\n")
    ended = call(tmp_path, *words)
    assert ended.status == 2
    assert "cannot be used: File name too long" in ended.err


def test_a_row_that_was_left_out_is_counted_alike_everywhere(tmp_path: Path) -> None:
    """A second row of a number too: it is in the file of rejected rows."""
    (tmp_path / "config.yml").write_text("sandbox: {speed: 1000000}\n")
    rows = "phone\n+12025550101\n(202) 555-0101\n123\n"
    (tmp_path / "people.csv").write_text(rows)
    assert "2 rejected rows: people.rejected.csv" in call(tmp_path, "run", "people.csv").err
    assert len((tmp_path / "people.rejected.csv").read_text().splitlines()) == 1 + 2
    assert json.loads(call(tmp_path, "run", "people.csv", "--json").out)["rejected"] == 2
    [row] = json.loads(call(tmp_path, "status", "--json").out)["campaigns"]
    assert row["rejected"] == len(report((tmp_path, Ended(0, "", "")))["rejected"]) == 2


def test_who_was_called_by_another_campaign_is_not_told_as_out_of_hours(tmp_path: Path) -> None:
    rules = "calling_window: null"
    (tmp_path / "config.yml").write_text(f"sandbox: {{speed: 1000000}}\ncampaign: {{{rules}}}\n")
    (tmp_path / "people.csv").write_text("phone\n+12025550101\n")
    call(tmp_path, "run", "people.csv")
    second = call(tmp_path, "run", "people.csv", "--campaign", "again")
    assert second.status == 4
    assert "1 contact held until a later time" in second.out
    assert "window" not in second.out


def test_a_contact_that_is_not_in_the_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("sandbox: {speed: 1000000}\n")
    (tmp_path / "people.csv").write_text("id,phone\nc1,+12025550101\nc2,+12025550102\n")
    slip = call(tmp_path, "run", "people.csv", "--contact", "c1", "--contact", "c3")
    assert (slip.status, slip.out) == (2, "")
    assert "people has no contact c3" in slip.err
    both = ("--contact", "c1", "--contact", "+12025550102")
    assert "called 2" in call(tmp_path, "run", "people.csv", *both).out


def test_contacts_that_did_not_fail_are_not_put_back(finished: Finished) -> None:
    ended = call(finished[0], "retry", "people", "--failed", "--contact", "nobody")
    assert ended.status == 2
    assert "none of these contacts has failed" in ended.err


def test_sums_of_money_have_no_dust(finished: Finished) -> None:
    [row] = json.loads(call(finished[0], "status", "--json").out)["campaigns"]
    for cost in (row["cost_usd"], report(finished)["cost_usd"]):
        assert cost == round(cost, 6)


def test_report_csv_runs_in_no_spreadsheet(finished: Finished, tmp_path: Path) -> None:
    target = tmp_path / "results.csv"
    assert call(finished[0], "report", "people", "--csv", str(target)).status == 0
    assert target.stat().st_mode & 0o777 == 0o600
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[2]["name"].startswith("'=cmd|")
    assert rows[0]["phone"].startswith("'+1202")
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(tuple("=+-@\t\r"))
            assert cell.isprintable()


def test_report_csv_overwrites_nothing(finished: Finished, tmp_path: Path) -> None:
    target = tmp_path / "results.csv"
    target.write_text("mine")
    ended = call(finished[0], "report", "people", "--csv", str(target))
    assert ended.status == 2
    assert "exists" in ended.err
    assert target.read_text() == "mine"


def test_report_of_a_misspelt_campaign_names_the_nearest(finished: Finished) -> None:
    ended = call(finished[0], "report", "poeple")
    assert ended.status == 2
    assert "did you mean people?" in ended.err


def test_status_tells_where_the_campaign_stands(finished: Finished) -> None:
    ended = call(finished[0], "status")
    assert ended.status == 0
    assert "people" in ended.out
    assert "/4" in ended.out
    assert all(cell_len(line) <= 80 for line in ended.out.splitlines())


def test_status_as_json(finished: Finished) -> None:
    found = json.loads(call(finished[0], "status", "people", "--json").out)
    [campaign] = found["campaigns"]
    assert campaign["campaign"] == "people"
    assert campaign["is_running"] is False
    assert sum(campaign["totals"].values()) == 4
    assert found["in_doubt"] == 0


def test_status_before_any_campaign(tmp_path: Path) -> None:
    assert "no campaign has run here yet" in call(tmp_path, "status").err
    found = json.loads(call(tmp_path, "status", "--json").out)
    assert found == {
        "campaigns": [],
        "in_doubt": 0,
        "owed": 0,
        "owed_to": {},
        "dead_letters": {},
        "incidents": [],
        "holds": [],
        "run": None,
        "next": [],
    }
    assert list(tmp_path.iterdir()) == []  # looking leaves nothing behind


def test_looking_changes_nothing_in_the_ledger(finished: Finished) -> None:
    folder = finished[0] / ".callagent"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    call(finished[0], "status")
    call(finished[0], "report", "people", "--json")
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: after.get(name) for name in before} == before


def test_run_on_a_terminal_shows_the_live_view_and_then_the_story(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("sandbox: {speed: 1000000}\n")
    (tmp_path / "people.csv").write_text("id,phone\nc1,+12025550101\nc2,+12025550102\n")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words_of("run", "people.csv"),
        cwd=tmp_path,
        env=environ(TERM="xterm-256color"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as run:
        os.close(theirs)
        screen = _all_of(ours)
    os.close(ours)
    assert run.returncode in (0, 3)  # 3: the simulated line may fail
    assert "SANDBOX: no real call is placed" in screen  # the live view
    assert "elevenlabs" in screen
    assert "of simulated time" in screen  # the story
    assert screen.rfind("\x1b[?25h") > screen.rfind("\x1b[?25l")  # the cursor is back
    assert "5550101" not in screen


def _all_of(terminal: int) -> str:
    text = b""
    while True:
        try:
            text += os.read(terminal, 65536)
        except OSError:  # the other side has closed
            return text.decode()
