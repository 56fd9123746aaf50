"""`callagent dnc`, typed."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import call

CONFIG = "sandbox: {speed: 1000000}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text(CONFIG)
    (tmp_path / "people.csv").write_text("phone,name\n+12025550110,Ada\n+12025550111,Bob\n")
    return tmp_path


def totals(folder: Path) -> dict[str, int]:
    told = json.loads(call(folder, "status", "--json").out)
    return dict(told["campaigns"][0]["totals"])


def test_who_is_on_the_list_is_not_called_by_any_campaign(folder: Path) -> None:
    added = call(folder, "dnc", "add", "(202) 555-0110", "--reason", "asked", "--by", "Kim")
    assert (added.status, added.err) == (0, "+1202*****10 is now on the list\n")
    for campaign in ("spring", "autumn"):
        ran = call(folder, "run", "people.csv", "--campaign", campaign, "--json")
        told = json.loads(ran.out)
        assert told["totals"]["skipped"] == 1
        assert told["totals"].keys() & {"completed", "held", "deferred"}  # the other one


def test_a_list_is_imported_and_lines_that_hold_no_number_are_told(folder: Path) -> None:
    (folder / "national.txt").write_text("# of the authority\n202,5550110\n\nnobody\n")
    done = call(folder, "dnc", "import", "national.txt", "--as-of", "2020-01-02")
    assert done.status == 0
    assert "the list national of 2020-01-02 holds 1 number" in done.err
    assert "line 4: " in done.err
    assert "national is of 2020-01-02" in call(folder, "run", "people.csv").err
    assert totals(folder)["skipped"] == 1


def test_a_csv_is_a_list_too(folder: Path) -> None:
    assert call(folder, "dnc", "import", "people.csv").status == 0
    told = json.loads(call(folder, "dnc", "list", "--json").out)
    assert told["numbers"] == {"list:people": 2}
    assert told["lists"][0]["numbers"] == 2


def test_a_list_that_must_be_fresh_stops_the_run_before_anybody_is_called(folder: Path) -> None:
    (folder / "config.yml").write_text(CONFIG + "campaign: {do_not_call: {required: [national]}}")
    ended = call(folder, "run", "people.csv")
    assert ended.status == 2
    assert "the do-not-call list national was never imported: nobody is called" in ended.err
    assert "callagent dnc import" in ended.err
    (folder / "national.txt").write_text("2025550199\n")
    assert call(folder, "dnc", "import", "national.txt").status == 0
    assert call(folder, "run", "people.csv").status == 0


def test_removing_needs_a_name_and_a_reason_and_brings_the_contact_back(folder: Path) -> None:
    call(folder, "dnc", "add", "2025550110")
    call(folder, "run", "people.csv")
    assert "missing option" in call(folder, "dnc", "remove", "2025550110").err
    why = ("--by", "Kim", "--reason", "a mistake")
    assert call(folder, "dnc", "remove", "2025550110", *why).status == 0
    assert call(folder, "dnc", "remove", "2025550110", *why).status == 2
    ran = call(folder, "run", "people.csv", "--json")
    assert json.loads(ran.out)["dialled"] >= 1
    assert "skipped" not in totals(folder)
    log = (folder / "logs/app.log").read_text()
    assert '"event": "number.released"' in log
    assert "5550110" not in log


def test_the_list_as_a_file_is_masked_unless_asked(folder: Path) -> None:
    call(folder, "dnc", "add", "2025550110")
    call(folder, "dnc", "list", "--csv", "masked.csv")
    call(folder, "dnc", "list", "--csv", "whole.csv", "--show-pii")
    assert "5550110" not in (folder / "masked.csv").read_text()
    assert "+12025550110" in (folder / "whole.csv").read_text()
    assert call(folder, "dnc", "list", "--csv", "whole.csv").status == 2


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["add", "nobody"], "letters in the phone number"),
        (["import", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["import", "config.yml"], "config.yml"),
        (["import", "people.csv", "--as-of", "1.11.2026"], "is no date"),
        (["import", "people.csv", "--as-of", "2999-01-01"], "in the future"),
        (["import", "people.csv", "--name", "Über"], "no name of a list"),
    ],
)
def test_what_cannot_be_is_refused_in_words(folder: Path, words: list[str], error: str) -> None:
    ended = call(folder, "dnc", *words)
    assert ended.status == 2
    assert error in ended.err
    assert "Traceback" not in ended.err


def test_nobody_on_the_list_is_said(folder: Path) -> None:
    assert "nobody is on the list" in call(folder, "dnc", "list").err
    assert json.loads(call(folder, "dnc", "list", "--json").out) == {"numbers": {}, "lists": []}
