"""`callagent contacts check`."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.support.command_line import Typed

GOOD = "id,Mobile,name,timezone\nc1,+12025550101,Ada,America/New_York\n"
LLM = """
services:
  llm: {enabled: true, model: m, prompt: p, fallback: "Hello ${name}, your ${visit}, ${plan}"}
"""


def checked(typed: Typed, text: str, *words: str, config: str = "") -> tuple[int, str]:
    Path("people.csv").write_text(text, encoding="utf-8")
    if config:
        Path("config.yml").write_text(config)
    ended = typed("contacts", "check", "people.csv", *words)
    assert ended.err == ""
    return ended.status, ended.out


def suggested(typed: Typed, text: str, config: str = "") -> list[str]:
    _, out = checked(typed, text, "--json", config=config)
    return [f"{s['what']}: {s['fix']}" for s in json.loads(out)["suggestions"]]


def test_columns_are_told_with_their_meaning(typed: Typed) -> None:
    status, out = checked(typed, "Mobile;Who;Visit;ZIP;;name\n+12025550101;x;y;20001;;Ada\n")
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "CSV in utf-8, semicolons between cells, header in line 1" in lines
    assert "1 Mobile phone the number to call" in lines
    assert "2 Who who told to the agent" in lines
    assert "4 ZIP zip where it is; told to the agent" in lines
    assert "5 - no header: not read" in lines
    assert "- a column has no header, so it is not read" in lines
    assert "1 contact" in lines


def test_contacts_are_shown_as_understood_and_numbers_masked(typed: Typed) -> None:
    text = "phone,name,consent,mobile,note\n(202) 555-0101,Ada,Yes,202 555 0199,+1 202 555 0155\n"
    for words in ((), ("--json",)):
        _, out = checked(typed, text, *words)
        assert "+1202*****01" in out
        assert "Ada" in out
        assert "0101" not in out.replace("+1202*****01", "")
        assert "0199" not in out
        assert "0155" not in out


def test_rejected_rows_and_duplicates_are_told_and_the_status_says_so(typed: Typed) -> None:
    text = f"{GOOD}c2,12,Eve,\nc3,202-555-0101,Twin,\n"
    status, out = checked(typed, text, "--json")
    found = json.loads(out)
    assert status == 3
    assert found["counts"] == {"contacts": 1, "rejected": 1, "duplicates": 1, "empty": 0}
    assert found["rejected"] == [
        {
            "line": 3,
            "column": "Mobile",
            "value": "**",
            "reason": "2 digits are too few for a US number",
            "fix": "add the area code",
        }
    ]
    assert found["duplicates"][0]["reason"] == "duplicate of line 2"
    _, out = checked(typed, text)
    assert "line 3" in out
    assert "1 contact, 1 rejected row, 1 duplicate" in out


def test_duplicates_alone_are_no_fault(typed: Typed) -> None:
    assert checked(typed, f"{GOOD}c1,2025550101,,\n")[0] == 0


def test_only_the_first_rows_are_listed_and_all_are_counted(typed: Typed) -> None:
    _, out = checked(typed, GOOD + "x,12,Eve,\n" * 30)
    assert "30 rejected rows" in out
    assert "and 10 more" in out


def test_a_file_in_order_has_no_suggestions(typed: Typed) -> None:
    assert suggested(typed, GOOD) == []


def test_numbers_without_one_known_zone_are_told(typed: Typed) -> None:
    fix = "add a column `timezone`, such as America/New_York, or `state` or `postcode`"
    assert suggested(typed, "phone\n+12085550101\n+18005550101\n+12025550101\n") == [
        f"1 contact without a known time zone: held, never called: {fix}",
        f"1 contact in one of several time zones: called only while all of them allow it: {fix}",
    ]
    no_window = "campaign: {calling_window: null}\n"
    assert suggested(typed, "phone\n+12085550101\n", no_window) == []
    Path("config.yml").unlink()
    (cell,) = suggested(typed, "phone,timezone\n+12085550101,\n")
    assert cell.endswith("fill in its empty cells")


def test_consent_that_is_required_and_not_there_is_told(typed: Typed) -> None:
    required = "campaign: {require_consent: true}\n"
    (text,) = suggested(typed, GOOD, required)
    assert "no column says who agreed: nobody is called" in text
    header, row, _ = GOOD.split("\n")
    (text,) = suggested(typed, f"{header},consent\n{row},\n", required)
    assert text == "1 contact without a word on consent: not called: fill in yes or no"


def test_variables_of_the_script_that_are_missing_or_empty_are_told(typed: Typed) -> None:
    header, row, _ = GOOD.split("\n")
    missing, empty = suggested(typed, f"{header},visit\n{row},\n", LLM)
    assert missing.startswith("the script names 'plan', and no column has it")
    assert empty.startswith("the script names 'visit': empty for 1 contact")


def test_a_column_without_any_value_is_told(typed: Typed) -> None:
    header, row, _ = GOOD.split("\n")
    assert suggested(typed, f"{header},note\n{row},\n") == [
        "column 'note' is empty in every row: fill it in, or delete it"
    ]


def test_a_file_without_any_contact_is_told(typed: Typed) -> None:
    status, out = checked(typed, "phone\n12\n")
    assert status == 3
    assert "no row is a contact that can be called" in out


def test_a_sheet_is_told_with_its_letters_and_rows(typed: Typed) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.title = "Kunden"
    for row in (["Spring"], ["name", "phone"], ["Ada", 2025550101]):
        book.active.append(row)
    book.save("people.xlsx")
    ended = typed("contacts", "check", "people.xlsx")
    assert ended.status == 0
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[:2] == ["people.xlsx, sheet Kunden", "workbook, header in row 2"]
    assert "B phone phone the number to call" in lines
    assert any(line.startswith("row 3 +1202*****01 name=Ada") for line in lines)


@pytest.mark.parametrize(
    ("content", "message"), [("", "is empty"), ("a,b\n1,2\n", "no phone column")]
)
def test_what_cannot_be_read_is_an_error(typed: Typed, content: str, message: str) -> None:
    Path("people.csv").write_text(content)
    ended = typed("contacts", "check", "people.csv")
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


def test_nothing_is_left_behind(typed: Typed, tmp_path: Path) -> None:
    checked(typed, GOOD)
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
