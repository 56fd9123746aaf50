"""Rows become contacts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.domain.contact import Contact, DuplicateRow, RejectedRow
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.contacts import read_contacts

Write = Callable[[str | bytes], Path]
ADA = "+12025550101"
EXAMPLES = Path(__file__).parents[2] / "examples"


def rows_of(path: Path, **options: object) -> list[Contact | RejectedRow]:
    return list(read_contacts(path, default_region="US", **options))  # type: ignore[arg-type]


def only(path: Path, **options: object) -> Contact:
    (row,) = rows_of(path, **options)
    assert isinstance(row, Contact), row
    return row


def rejected(path: Path) -> RejectedRow:
    (row,) = rows_of(path)
    assert isinstance(row, RejectedRow), row
    return row


def test_every_column_finds_its_place(write: Write) -> None:
    path = write(
        "ID,Name,Phone,E-mail,Language,Time Zone,Consent,First Visit\n"
        "c1,Ada,202-555-0101,ada@example.com,en,america/new_york,Yes,Tuesday\n"
    )
    expected = Contact(
        id="c1",
        phone=ADA,
        name="Ada",
        email="ada@example.com",
        language="en",
        timezone="America/New_York",
        consent=True,
        variables={"first_visit": "Tuesday"},
        line=2,
    )
    assert only(path) == expected
    columns = read_contacts(path, default_region="US").columns
    assert columns == ("name", "email", "language", "first_visit")


@pytest.mark.parametrize(
    "name",
    ["phone", "Phone Number", " TELEPHONE ", "tel", "Mobile", "number", "To", "phone_number"],
)
def test_usual_names_of_the_phone_column_are_known(write: Write, name: str) -> None:
    assert only(write(f"a,{name}\n1,{ADA}\n")).phone == ADA


def test_a_column_called_phone_wins_over_its_synonyms(write: Write) -> None:
    contact = only(write(f"mobile,phone\n+12025550199,{ADA}\n"))
    assert (contact.phone, contact.variables) == (ADA, {"mobile": "+12025550199"})


def test_config_names_the_columns(write: Write) -> None:
    path = write(f"Rufnummer,Phone,Wer,name\n{ADA},none,Ada,x\n")
    contact = only(path, columns={"phone": "rufnummer", "name": "Wer", "visits": "Phone"})
    assert (contact.phone, contact.name) == (ADA, "Ada")
    assert contact.variables == {"visits": "none", "name_2": "x"}


def test_a_header_in_another_script_gets_a_number(write: Write) -> None:
    contact = only(write(f"phone,名前,Größe,,2nd\n{ADA},x,y,z,w\n"))
    assert contact.variables == {"column_2": "x", "groe": "y", "_2nd": "w"}


def test_rows_begin_where_their_first_line_is(write: Write) -> None:
    path = write(f'\n\nphone,note\n{ADA},"one\ntwo\n\nthree"\n\n ,\n+12025550102,x\n')
    file = read_contacts(path, default_region="US")
    first, second = file
    assert (first.line, second.line) == (4, 10)
    assert isinstance(first, Contact)
    assert first.variables["note"] == "one two  three"
    assert (file.counts.contacts, file.counts.empty) == (2, 2)


def test_a_contact_without_id_is_known_by_its_number(write: Write) -> None:
    assert only(write(f"id,phone\n,{ADA}\n")).id == ADA


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        *[(word, True) for word in ("YES", "y", "1", "True", "opt-in")],
        *[(word, False) for word in ("No", "f", "0", " n ")],
        ("", None),
    ],
)
def test_consent_in_usual_spellings(write: Write, word: str, meaning: bool | None) -> None:
    assert only(write(f"phone,consent\n{ADA},{word}\n")).consent is meaning


def test_unclear_consent_is_rejected(write: Write) -> None:
    row = rejected(write(f"phone,Consent\n{ADA},maybe\n"))
    assert (row.line, row.column, row.value) == (2, "Consent", "maybe")
    assert row.fix == "write yes, no, or leave it empty"


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("EST", "such as America/New_York; no offset, no abbreviation"),
        ("UTC-5", "such as America/New_York"),
        ("Etc/GMT+5", "such as America/New_York"),
        ("-05:00", "such as America/New_York"),
        ("GMT", "such as America/New_York"),
        ("New York", "write America/New_York"),
        ("Europe/Berln", "write Europe/Berlin"),
        ("../../etc/passwd", "such as America/New_York"),
    ],
)
def test_only_names_of_places_are_time_zones(write: Write, name: str, fix: str) -> None:
    row = rejected(write(f"phone,timezone\n{ADA},{name}\n"))
    assert (row.column, row.reason) == ("timezone", "not the name of a time zone")
    assert fix in row.fix


def test_too_many_cells_are_rejected_with_the_count(write: Write) -> None:
    row = rejected(write(f"phone,name\n{ADA},Smith, Jr., Ada\n"))
    assert row.reason == "4 cells, but the header has 2"
    assert "double quotes" in row.fix


def test_empty_cells_past_the_header_are_no_fault(write: Write) -> None:
    assert only(write(f"phone,name\n{ADA},Ada,,\n")).name == "Ada"


def test_missing_cells_are_empty(write: Write) -> None:
    contact = only(write(f"phone,name,note\n{ADA}\n"))
    assert (contact.name, contact.variables) == ("", {"note": ""})


def test_a_short_row_without_a_number_is_rejected(write: Write) -> None:
    row = rejected(write("name,phone\nAda\n"))
    assert (row.column, row.reason) == ("phone", "no phone number")


def test_duplicates_in_any_spelling_are_merged_and_the_first_wins(write: Write) -> None:
    spellings = [
        "(202) 555-0101",
        "202.555.0101",
        "12025550101",
        "+1 202 555 0101",
        "2025550101.0",
    ]
    rows = rows_of(write("phone,name\n" + "".join(f"{s},n{n}\n" for n, s in enumerate(spellings))))
    first, *others = rows
    assert isinstance(first, Contact)
    assert first.name == "n0"
    assert [type(row) for row in others] == [DuplicateRow] * 4
    assert {row.reason for row in others if isinstance(row, DuplicateRow)} == {
        "duplicate of line 2"
    }
    assert all(ADA not in str(row) for row in others)


def test_an_id_used_twice_is_rejected_and_its_number_is_not_lost(write: Write) -> None:
    path = write(f"id,phone\nc1,{ADA}\nc1,+12025550102\nc2,+12025550102\n")
    first, second, third = rows_of(path)
    assert isinstance(first, Contact)
    assert isinstance(second, RejectedRow)
    assert (second.column, second.value) == ("id", "c1")
    assert second.reason == "line 2 has the same id and another number"
    assert isinstance(third, Contact), "a rejected row must not shadow a later good one"


def test_an_id_that_is_somebody_elses_number_is_rejected(write: Write) -> None:
    row = rejected(write(f"id,phone\n+12025550199,{ADA}\n"))
    assert (row.column, row.value) == ("id", "+1202*****99")


def test_values_are_data(write: Write) -> None:
    path = write(
        "phone,formula,braces,split,bidi,breaks\n"
        f'{ADA},=1+1,{{{{system__time}}}},{{\u200b{{x,\u202eab\u202c,"a\u2028b\x1b[31mc"\n'
    )
    assert only(path).variables == {
        "formula": "=1+1",
        "braces": "system__time",
        "split": "x",
        "bidi": "ab",
        "breaks": "a b[31mc",
    }


def test_long_values_are_cut(write: Write) -> None:
    contact = only(write(f"phone,name,note\n{ADA},{'n' * 999},{'x' * 9999}\n"))
    assert (len(contact.name), len(contact.variables["note"])) == (80, 500)


def test_one_bad_line_stops_no_other(write: Write) -> None:
    huge = "x" * 140_000
    endless = "y" * 1_100_000
    path = write(
        f'phone,note\n{ADA},"5" pipe"\n+12025550102,{huge}\n+12025550103,{endless}\n'
        "+12025550104,fine\n"
    )
    quote, cell, line, fine = rows_of(path)
    assert isinstance(quote, RejectedRow)
    assert (quote.line, quote.reason) == (2, "text stands after a closing quote")
    assert isinstance(cell, RejectedRow)
    assert (cell.line, cell.reason) == (3, "a cell is longer than 131,072 characters")
    assert isinstance(line, RejectedRow)
    assert (line.line, line.reason) == (4, "the line is longer than 1,048,576 characters")
    assert isinstance(fine, Contact)
    assert fine.line == 5


def test_the_same_file_can_be_read_twice(write: Write) -> None:
    file = read_contacts(write(f"phone\n{ADA}\n"), default_region="US")
    assert list(file) == list(file)
    assert file.counts.contacts == 1


def test_a_file_replaced_between_two_readings_is_refused(write: Write) -> None:
    file = read_contacts(write(f"phone,name\n{ADA},Ada\n"), default_region="US")
    write("name,phone\nAda,+12025550102,\n")
    with pytest.raises(InputError, match="was changed while it was being read"):
        list(file)


def test_a_file_that_grows_during_a_reading_is_refused(write: Write) -> None:
    path = write(f"phone\n{ADA}\n")
    reading = iter(read_contacts(path, default_region="US"))
    next(reading)
    with path.open("a") as more:
        more.write("+12025550102\n")
    with pytest.raises(InputError, match="was changed"):
        list(reading)


def test_the_example_is_as_the_readme_says() -> None:
    file = read_contacts(EXAMPLES / "contacts.csv", default_region="US")
    rows = list(file)
    counts = file.counts
    assert (counts.contacts, counts.rejected, counts.duplicates) == (24, 2, 1)
    contacts = [row for row in rows if isinstance(row, Contact)]
    assert all(contact.phone[5:8] == "555" for contact in contacts), "numbers kept for fiction"
    assert file.columns == ("name", "appointment", "language")
