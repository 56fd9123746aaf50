"""The same table in every encoding, delimiter, quoting and line end reads the same."""

import codecs
import csv
import io
from itertools import product
from pathlib import Path
from typing import TypeGuard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.contacts import read_contacts

HEADER = ["name", "phone", "note"]
TABLE = [
    ["Zoë Müller", "+1 202-555-0101", 'says "hi"'],
    ["O’Neil, Ada", "(202) 555-0102", "a;b|c\td,e"],
    ["François", "202.555.0103", "two\nlines"],  # in the line ends of the file
    ["", "12025550104", ""],
]
EXPECTED = [
    ("+12025550101", "Zoë Müller", 'says "hi"'),
    ("+12025550102", "O’Neil, Ada", "a;b|c d,e"),
    ("+12025550103", "François", "two lines"),
    ("+12025550104", "", ""),
]
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "cp1252": b"",
}
QUOTINGS = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL}
LINE_ENDS = {"unix": "\n", "dos": "\r\n", "mac": "\r"}


@pytest.mark.parametrize(
    ("encoding", "delimiter", "quoting", "line_end"),
    list(product(ENCODINGS, ",;\t|", QUOTINGS, LINE_ENDS)),
)
def test_the_table_reads_the_same(
    tmp_path: Path, encoding: str, delimiter: str, quoting: str, line_end: str
) -> None:
    text, end = io.StringIO(newline=""), LINE_ENDS[line_end]
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quoting=QUOTINGS[quoting],  # type: ignore[arg-type]  # an int by any name
        lineterminator=end,
    )
    writer.writerows([[cell.replace("\n", end) for cell in row] for row in (HEADER, *TABLE)])
    path = tmp_path / "contacts.csv"
    path.write_bytes(ENCODINGS[encoding] + text.getvalue().encode(encoding))
    file = read_contacts(path, default_region="US")
    found = [
        (row.phone, row.name, " ".join(row.variables["note"].split()))
        for row in file
        if _is_contact(row)
    ]
    assert found == EXPECTED
    assert file.table.form.delimiter == delimiter


def _is_contact(row: Contact | RejectedRow) -> TypeGuard[Contact]:
    assert isinstance(row, Contact), row
    return True


def _phones(path: Path, **options: str) -> list[str]:
    file = read_contacts(path, default_region="US", **options)  # type: ignore[arg-type]
    return [row.phone for row in file if isinstance(row, Contact)]


def test_encoding_and_delimiter_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes("phone^name\n+12025550101^Zoë,;|\n".encode("utf-16-le"))
    file = read_contacts(path, default_region="US", encoding="utf-16-le", delimiter="^")
    (contact,) = file
    assert isinstance(contact, Contact)
    assert contact.name == "Zoë,;|"


@pytest.mark.parametrize("name", ["tab", "\\t", "\t"])
def test_a_tab_can_be_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("phone\tname\n+12025550101\tAda, Bob\n")
    assert _phones(path, delimiter=name) == ["+12025550101"]


def test_the_hint_that_excel_writes_is_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("sep=;\nphone;name\n+12025550101;a,b\n")
    (contact,) = read_contacts(path, default_region="US")
    assert isinstance(contact, Contact)
    assert (contact.name, contact.line) == ("a,b", 3)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_inside_quotes_do_not_mislead(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "contacts.csv"
    noise = ",;\t|" * 5
    path.write_text(f'phone{delimiter}name\n+12025550101{delimiter}"{noise}"\n')
    assert _phones(path) == ["+12025550101"]


def test_a_single_column_needs_no_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("Phone\n+12025550101\n+12025550102\n")
    assert _phones(path) == ["+12025550101", "+12025550102"]


def test_an_accent_far_down_the_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    rows = b"".join(b"+1202555%04d,plain\n" % n for n in range(100, 200)) * 60
    path.write_bytes(b"phone,name\n" + rows + "+13125550199,Zoë\n".encode("cp1252"))
    file = read_contacts(path, default_region="US")
    *_, last = file
    assert isinstance(last, Contact)
    assert (file.table.form.encoding, last.name) == ("cp1252", "Zoë")


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(alphabet='abc,;\t|"\n\r 0123456789+', max_size=300).map(
            lambda text: f"phone,x\n{text}".encode()
        ),
        st.text(max_size=200).map(lambda text: f"phone,x\n{text}".encode(errors="replace")),
    )
)
def test_any_bytes_are_refused_or_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "contacts.csv"
    path.write_bytes(content)
    try:
        file = read_contacts(path, default_region="US")
        rows = list(file)
    except InputError as error:
        assert f"{error.message}{error.hint}".isprintable()
        return
    counts = file.counts
    assert counts.contacts + counts.rejected + counts.duplicates == len(rows)
    lines = [row.line for row in rows]
    assert lines == sorted(set(lines)), "each row has a line of its own"
    for row in rows:
        told = row.reason + row.fix + row.value if isinstance(row, RejectedRow) else row.name
        assert told.isprintable()
