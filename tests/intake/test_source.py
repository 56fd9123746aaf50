"""What was typed for CONTACTS."""

from pathlib import Path

import pytest

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.source import (
    ContactsPath,
    GoogleSheet,
    PublishedSheet,
    Source,
    Stdin,
    source_of,
)

ID = "1aBcD-efGh_ijKlMnOp"
PUB = "2PACX-1vQabc_def"
AT_GOOGLE = "https://docs.google.com/spreadsheets"


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("spring.csv", ContactsPath(Path("spring.csv"))),
        ("./-", ContactsPath(Path("-"))),
        ("http:/x", ContactsPath(Path("http:/x"))),
        ("-", Stdin()),
        (f"gsheet:{ID}", GoogleSheet(ID)),
        (f"gsheet:{ID}/May and June", GoogleSheet(ID, "May and June")),
        (f"gsheet:{ID}/May%2FJune", GoogleSheet(ID, "May/June")),
        (f"{AT_GOOGLE}/d/{ID}", GoogleSheet(ID)),
        (f"{AT_GOOGLE}/d/{ID}/edit?usp=sharing", GoogleSheet(ID)),
        (f"{AT_GOOGLE}/u/1/d/{ID}/edit#gid=77", GoogleSheet(ID, tab_id=77)),
        (f"{AT_GOOGLE}/d/{ID}/edit?gid=77#gid=77", GoogleSheet(ID, tab_id=77)),
        (
            f"{AT_GOOGLE}/d/e/{PUB}/pub?gid=3&single=true&output=csv",
            PublishedSheet(f"/spreadsheets/d/e/{PUB}/pub?output=csv&gid=3&single=true"),
        ),
        (
            f"{AT_GOOGLE}/d/e/{PUB}/pubhtml",
            PublishedSheet(f"/spreadsheets/d/e/{PUB}/pub?output=csv"),
        ),
        (
            f"{AT_GOOGLE}/d/{ID}/export?format=xlsx&gid=0",
            PublishedSheet(f"/spreadsheets/d/{ID}/export?format=csv&gid=0&single=true"),
        ),
    ],
)
def test_each_way_is_known(typed: str, source: Source) -> None:
    assert source_of(typed) == source


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (f"http://docs.google.com/spreadsheets/d/{ID}", "not read from http://docs.google.com"),
        ("https://example.com/people.csv", "not read from https://example.com"),
        ("https://u:secret@example.com/x?token=secret", "not read from https://example.com"),
        (f"https://docs.google.com@evil.com/spreadsheets/d/{ID}", "not read from https://evil"),
        (f"https://docs.google.com.evil.com/spreadsheets/d/{ID}", "not read from"),
        (f"https://docs.google.com:444/spreadsheets/d/{ID}", "not read from"),
        ("ftp://docs.google.com/x", "not read from ftp://docs.google.com"),
        ("https://docs.google.com/document/d/123456/edit", "is not of a sheet"),
        (f"{AT_GOOGLE}/d/../{ID}", "is not of a sheet"),
        ("https://[docs.google.com/x", "not one of the web"),
        ("gsheet:", "'' is no id"),
        ("gsheet:a b", "'a b' is no id"),
    ],
)
def test_what_leads_elsewhere_is_refused(typed: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        source_of(typed)
    assert message in caught.value.message
    assert "secret" not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize(
    ("typed", "stem"),
    [
        ("a/spring.csv", "spring"),
        ("spring.csv.gz", "spring"),
        ("spring.2026.xlsx", "spring.2026"),
        ("-", ""),
        (f"gsheet:{ID}", ""),
        (f"{AT_GOOGLE}/d/e/{PUB}/pub", ""),
    ],
)
def test_only_a_file_names_its_campaign(typed: str, stem: str) -> None:
    assert source_of(typed).stem == stem
