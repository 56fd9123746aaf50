"""Numbers in any usual spelling; reasons that help and give nobody away."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.intake.phone import BadPhone, read_phone


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        ("+12025550101", "US", "+12025550101"),
        ("(202) 555-0101", "US", "+12025550101"),
        ("1-202-555-0101", "US", "+12025550101"),
        ("202.555.0101", "US", "+12025550101"),
        ("２０２－５５５－０１０１", "US", "+12025550101"),
        ("202\u00a0555\u20110101", "US", "+12025550101"),
        ("\u202a+1 202 555 0101\u202c", "US", "+12025550101"),
        ("'+12025550101", "US", "+12025550101"),
        ('="+12025550101"', "US", "+12025550101"),
        ("tel:+1-202-555-0101", "GB", "+12025550101"),
        ("12025550101.0", "US", "+12025550101"),
        ("2025550101,00", "US", "+12025550101"),
        ("011 44 20 7946 0123", "US", "+442079460123"),
        ("0044 20 7946 0123", "US", "+442079460123"),
        ("+44 (0)20 7946 0123", "US", "+442079460123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("030/1234567", "DE", "+49301234567"),
        ("06 698 12345", "IT", "+390669812345"),
    ],
)
def test_usual_spellings(cell: str, region: str, number: str) -> None:
    assert read_phone(cell, region) == number


@pytest.mark.parametrize(
    ("cell", "reason", "fix"),
    [
        ("", "no phone number", "fill in the cell"),
        ("1.55512E+10", "scientific notation", "format the column as text and export again"),
        ("1,55512e10", "scientific notation", "format the column as text"),
        ("202-555-0101 x12", "has an extension", "without extension"),
        ("202-555-0101 ext. 12", "has an extension", "without extension"),
        ("+12025550101;ext=9", "has an extension", "without extension"),
        ("202-555-0101,,9#", "has an extension", "without extension"),
        ("1-800-FLOWERS", "letters", "in digits"),
        ("call reception", "letters", "in digits"),
        ("555-0142", "7 digits are too few for a US number", "add the area code"),
        ("911", "3 digits are too few", "area code"),
        ("202-555-01011", "11 digits do not fit a US number", "+ and its country code"),
        ("447911123456", "12 digits do not fit a US number", "+ and its country code"),
        ("202-555-0101 / 202-555-0102", "20 digits are too many", "one number a cell"),
        ("202-555-0101, 202-555-0102", "more than one number", "its own row"),
        ("202-555-0101/02", "more than one number", "its own row"),
        ("099-555-0101", "not a US number in use", "correct the number"),
        ("123-456-7890", "not a US number in use", "correct the number"),
        ("+999 1234567", "a country code that does not exist", "country code"),
        ("+44 20 7946", "8 digits", "area code"),
        ("*67 2025550101", "characters that no phone number has", "country code"),
        ("+", "not a phone number (0 digits)", "country code"),
    ],
)
def test_what_is_refused_and_why(cell: str, reason: str, fix: str) -> None:
    bad = read_phone(cell, "US")
    assert isinstance(bad, BadPhone), bad
    assert reason in bad.reason
    assert fix in bad.fix


def test_a_number_of_another_country_needs_its_plus() -> None:
    assert isinstance(read_phone("020 7946 0123", "US"), BadPhone)
    assert read_phone("+44 20 7946 0123", "US") == "+442079460123"


SEPARATORS = st.sampled_from(["", " ", "-", ".", "  ", "\u00a0", "\u2011", " - "])


@given(
    area=st.sampled_from(["202", "212", "305", "416", "787", "808", "850", "907"]),
    line=st.integers(0, 99),
    gaps=st.tuples(SEPARATORS, SEPARATORS, SEPARATORS),
    front=st.sampled_from(["", "+1", "1", "001", "'+1", " +1 "]),
    brackets=st.booleans(),
)
def test_every_spelling_of_a_number_is_that_number(
    area: str, line: int, gaps: tuple[str, str, str], front: str, brackets: bool
) -> None:
    shown = f"({area})" if brackets else area
    cell = f"{front}{gaps[0] if front else ''}{shown}{gaps[1]}555{gaps[2]}01{line:02d}"
    assert read_phone(cell, "US") == f"+1{area}55501{line:02d}"


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="0123456789+-() ./x,;#Ee", max_size=25),
        st.from_regex(r"\+?[0-9]{3,16}", fullmatch=True),
    ),
    st.sampled_from(["US", "GB", "DE", "IT", "JP"]),
)
def test_what_is_accepted_is_valid_and_what_is_refused_is_not_repeated(
    cell: str, region: str
) -> None:
    read = read_phone(cell, region)
    if isinstance(read, BadPhone):
        assert not re.search(r"\d{5,}", read.reason)
        assert read.fix
        return
    assert re.fullmatch(r"\+[1-9]\d{6,14}", read)
    assert phonenumbers.is_valid_number(phonenumbers.parse(read))
    assert read_phone(read, region) == read, "a number read again is itself"
