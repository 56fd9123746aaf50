"""The file of rejected rows, and what people are shown of them."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from callagent_cli.domain.contact import RejectedRow
from callagent_cli.intake.rejects import shown, write_rejects


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_columns_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "spring.rejected.csv"
    rows = [RejectedRow(7, "Téléphone", "555***42", "too few digits", "add the area code")]
    assert write_rejects(path, rows) == 1
    assert read(path) == [
        ["line", "column", "value", "reason", "fix"],
        ["7", "Téléphone", "555***42", "too few digits", "add the area code"],
    ]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cell", ["=1+1", "+1202", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "＝1"])
def test_no_cell_is_a_formula(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "x.rejected.csv"
    write_rejects(path, [RejectedRow(1, cell, cell, cell, cell)])
    assert read(path)[1] == ["1", *[f"'{cell}"] * 4]


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "x.rejected.csv"
    path.write_text("old")

    def breaking() -> Iterator[RejectedRow]:
        yield RejectedRow(1, "", "", "", "")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_rejects(path, breaking())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "x.rejected.csv"
    target.write_text("precious")
    path.symlink_to(target)
    write_rejects(path, [])
    assert target.read_text() == "precious"


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("EST", "EST"),
        ("call +1 202 555 0101 now", "call +1 20********01 now"),
        ("2025550101", "202*****01"),
        ("a\x1b[2Jb\u202e", "a[2Jb"),
        ("2026-11-23", "202*****23"),
        ("room 12, floor 3", "room 12, floor 3"),
    ],
)
def test_numbers_are_masked_wherever_they_stand(cell: str, told: str) -> None:
    assert shown(cell) == told
