"""`callagent why`, typed."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import call

NUMBER, SPELLED, MASKED = "+12025550110", "(202) 555-0110", "+1202*****10"
CONFIG = "sandbox: {speed: 1000000}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text(CONFIG)
    row = "c1,+12025550110,Ada,yes,2026-03-31,shop\n"
    (tmp_path / "people.csv").write_text(
        f"id,phone,name,consent,consent_date,consent_source\n{row}"
    )
    return tmp_path


def test_a_number_that_nobody_knows_is_asked_of_every_rule(folder: Path) -> None:
    told = call(folder, "why", SPELLED)
    assert told.status == 0
    assert f"{MASKED}: no campaign knows it" in told.out
    for rule in ("do-not-call list", "consent", "kind of number", "how often", "calling hours"):
        assert rule in told.out
    assert NUMBER not in told.out


def test_each_campaign_tells_its_attempts_with_the_evidence_that_allowed_them(
    folder: Path,
) -> None:
    for campaign in ("spring", "autumn"):
        assert call(folder, "run", "people.csv", "-n", campaign, "-q").status in {0, 1}
    told = json.loads(call(folder, "why", NUMBER, "--json").out)
    assert [one["campaign"] for one in told["campaigns"]] == ["spring", "autumn"]
    first, second = (one["attempts"] for one in told["campaigns"])
    evidence = first[0]["evidence"]
    assert evidence["consent"] is True
    assert (evidence["consent_date"], evidence["consent_source"]) == ("2026-03-31", "shop")
    assert evidence["zones"] == ["America/New_York"]
    assert evidence["local_times"].keys() == {"America/New_York"}
    assert evidence["window"].startswith("08:00 to 21:00")
    assert (evidence["calls_within_a_day"], evidence["max_a_day"]) == (0, 3)
    assert second[0]["evidence"]["calls_within_a_week"] == len(first), "in every campaign"
    assert {one["next_run"]["verdict"] for one in told["campaigns"]} <= {"settled", "later"}
    shown = " ".join(call(folder, "why", NUMBER).out.split())
    assert f"{MASKED}: 2 campaigns know it" in shown
    assert "consent date 2026-03-31" in shown
    assert "attempt 1, " in shown


def test_who_is_on_the_list_sees_since_when_by_whom_and_why(folder: Path) -> None:
    call(folder, "dnc", "add", NUMBER, "--reason", "asked by mail", "--by", "Kim")
    told = " ".join(call(folder, "why", NUMBER).out.split())
    assert "on the do-not-call list since " in told
    assert "noted by hand, by Kim (asked by mail)" in told
    assert "next run skipped: on the do-not-call list" in told


def test_numbers_are_masked_unless_they_are_asked_for(folder: Path) -> None:
    (folder / "people.csv").write_text(f"phone\n{NUMBER}\n")  # its own number for an id
    call(folder, "run", "people.csv", "-q")
    for words in ((), ("--json",)):
        hidden = call(folder, "why", NUMBER, *words).out
        assert NUMBER not in hidden
        assert MASKED in hidden
        assert NUMBER in call(folder, "why", NUMBER, *words, "--show-pii").out


def test_what_is_no_number_is_told_with_the_remedy(folder: Path) -> None:
    told = call(folder, "why", "Ada")
    assert (told.status, told.out) == (2, "")
    assert "'Ada'" in told.err
    assert "hint: " in told.err
