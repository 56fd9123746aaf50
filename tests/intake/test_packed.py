"""Contacts in a gzip file."""

import gzip
import io
import zlib
from pathlib import Path

import pytest
from openpyxl import Workbook

from callagent_cli.domain.contact import Contact
from callagent_cli.domain.errors import InputError
from callagent_cli.intake import packed
from callagent_cli.intake.contacts import read_contacts
from callagent_cli.intake.stored import StoredFile

TABLE = b"phone,name\n+12025550101,Ada\n+12025550102,Bob\n"


def names_in(path: Path) -> list[str]:
    file = read_contacts(path, default_region="US")
    return [row.name for row in file if isinstance(row, Contact)]


def refusal(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        names_in(path)
    return caught.value


@pytest.mark.parametrize("name", ["people.csv.gz", "people.csv", "people"])
def test_gzip_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TABLE))
    assert names_in(path) == ["Ada", "Bob"]


def test_files_packed_one_after_the_other_are_one(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(TABLE[:20]) + gzip.compress(TABLE[20:]))
    assert names_in(path) == ["Ada", "Bob"]


def test_a_packed_workbook_is_read_too(tmp_path: Path) -> None:
    book, held = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["phone", "name"])
    book.active.append(["+12025550101", "Ada"])
    book.save(held)
    path = tmp_path / "people.xlsx.gz"
    path.write_bytes(gzip.compress(held.getvalue()))
    assert names_in(path) == ["Ada"]


@pytest.mark.parametrize("kept", [10, 25, -9, -1])
def test_a_file_that_was_cut_off_is_told(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(TABLE)[:kept])
    error = refusal(path)
    assert error.message.endswith("ends in the middle: the gzip file was cut off")
    assert error.hint == "copy or download it again"


def test_damage_is_told(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(TABLE))
    whole[-6] ^= 1  # of the checksum
    path = tmp_path / "people.csv.gz"
    path.write_bytes(whole)
    assert "is damaged" in refusal(path).message


def test_a_file_packed_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(TABLE)))
    assert "is packed twice" in refusal(path).message


def test_a_bomb_is_stopped_early(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    piece = zlib.compressobj(wbits=31)
    zeros = bytes(1 << 20)
    path.write_bytes(b"".join(piece.compress(zeros) for _ in range(9)) + piece.flush())
    with pytest.raises(InputError, match="unpacks to more than 8 MB") as caught:
        packed.unpacked(StoredFile.find(path), most_bytes=8 << 20)
    assert "split the list" in caught.value.hint
