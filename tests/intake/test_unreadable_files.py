"""Files that cannot be read at all: one clear message each, with what to do."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.contacts import read_contacts

ROW = "+12025550101"


def refusal(path: Path, **options: object) -> InputError:
    with pytest.raises(InputError) as caught:
        list(read_contacts(path, default_region="US", **options))  # type: ignore[arg-type]
    return caught.value


CONTENTS: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "is empty", "header row"),
    "blank": (b"\n \n\r\n", "nothing but empty lines", "header row"),
    "header only": (b"phone,name\n\n", "has a header and no rows", "one row for each"),
    "no phone column": (
        b"name,phnoe\nAda,1\n",
        "line 1: no phone column; the file has: name, phnoe",
        "campaign.columns: {phone: phnoe}",
    ),
    "no header": (
        b"+12025550101,Ada\n+12025550102,Bob\n",
        "no phone column; the file has: +1202*****01, Ada",
        "the first row looks like a contact",
    ),
    "columns ran together": (b"phone~name\n1~Ada\n", "no phone column", "phone"),
    "two phone columns": (
        b"Mobile,Telephone\n1,2\n",
        "'Telephone' and 'Mobile' could both hold the number",
        "campaign.columns: {phone: Telephone}",
    ),
    "a name twice": (
        b"phone,Name,x,name \n1,2,3,4\n",
        "two columns have one name: 'Name' and 'name' (columns 2 and 4)",
        "rename or delete",
    ),
    "reserved name": (b"phone,system__caller_id\n1,2\n", "'system__caller_id'", "rename"),
    "our own name": (b"phone,Callagent Attempt ID\n1,2\n", "are reserved", "rename"),
    "unclosed quote": (
        b'phone,note\n+12025550101,ok\n+12025550102,"open\n+12025550103,x\n',
        "line 3: a quote is opened and not closed",
        "written twice",
    ),
    "quote that swallows rows": (
        b'phone,note\n+12025550101,"open\n+12025550102,x\n+12025550103,"fine"\n',
        "line 2: a quote is opened and not closed",
        "close it",
    ),
    "a NUL": (b"phone\n1\n2\x003\n" * 9, "line 3: a NUL character", "export it again"),
    "UTF-16 unmarked": (
        "phone\n1\n".encode("utf-16-le"),
        "UTF-16 without a byte order mark",
        "campaign.csv.encoding",
    ),
    "damaged UTF-8": (
        "phone,name\n1,Zoë\n2,Zo".encode() + b"\xeb\n",
        "line 3: UTF-8 text with a byte that is not UTF-8",
        "campaign.csv.encoding",
    ),
    "damaged UTF-8 with a mark": (
        b"\xef\xbb\xbfphone,name\n1,Zo\xeb\n",
        "line 2: not utf-8-sig text",
        "campaign.csv.encoding",
    ),
    "no known encoding": (b"phone,name\n1,\x81\x8d\n", "line 2: not cp1252 text", "UTF-8"),
    "PDF": (b"%PDF-1.7\n...", "is a PDF document, not CSV", "save the sheet as CSV"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old workbook (.xls)", "CSV"),
    "a page": (b"\n<!DOCTYPE html><html>", "is a web page", "CSV"),
    "random": (bytes(range(1, 256)) * 4, "line 2: not cp1252 text", "CSV"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_content(write: Callable[[bytes], Path], kind: str) -> None:
    content, message, hint = CONTENTS[kind]
    error = refusal(write(content))
    assert message in error.message
    assert hint in error.hint
    assert "contacts.csv" in error.message


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "Contacts.csv").touch()
    error = refusal(tmp_path / "contcts.csv")
    assert error.message.endswith("contcts.csv does not exist")
    assert error.hint == "did you mean Contacts.csv?"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no" / "x.csv").hint == f"there is no folder {tmp_path / 'no'}"


def test_a_folder_suggests_a_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "list.csv").touch()
    error = refusal(tmp_path)
    assert error.message.endswith("is a folder")
    assert error.hint == "name a file in it, such as list.csv"


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    error = refusal(loop)
    assert "cannot be read: too many levels of symbolic links" in error.message


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file" in refusal(tmp_path / "pipe.csv").message


def test_an_unknown_encoding_is_named(write: Callable[[str], Path]) -> None:
    error = refusal(write(f"phone\n{ROW}\n"), encoding="utf-ate")
    assert "there is no encoding 'utf-ate'" in error.message


def test_a_wrong_encoding_says_on_which_line(write: Callable[[bytes], Path]) -> None:
    error = refusal(write(b"phone,name\n1,a\n2,\xff\n"), encoding="utf-8")
    assert "line 3: not utf-8-sig text" in error.message


def test_an_unknown_region_is_named(write: Callable[[str], Path]) -> None:
    path = write(f"phone\n{ROW}\n")
    with pytest.raises(InputError, match="there is no region 'UK'"):
        read_contacts(path, default_region="UK")


@pytest.mark.parametrize("delimiter", ['"', "\n", "semicolon"])
def test_a_delimiter_that_is_none_is_named(write: Callable[[str], Path], delimiter: str) -> None:
    error = refusal(write(f"phone\n{ROW}\n"), delimiter=delimiter)
    assert "campaign.csv.delimiter" in error.message


def test_a_configured_column_that_is_missing_suggests_the_nearest(
    write: Callable[[str], Path],
) -> None:
    error = refusal(write(f"Mobile Nr,name\n{ROW},x\n"), columns={"phone": "Mobil Nr"})
    assert "no column 'Mobil Nr', which campaign.columns names for 'phone'" in error.message
    assert "Mobile Nr, name" in error.message
    assert error.hint == "did you mean 'Mobile Nr'?"


def test_a_file_name_cannot_paint_the_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in refusal(tmp_path / "a\x1b[31mb.csv").message
