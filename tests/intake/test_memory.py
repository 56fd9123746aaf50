"""Intake in constant memory, measured from outside in a process of its own."""

import subprocess
import sys
from pathlib import Path

from openpyxl import Workbook

READER = """
import sys
from pathlib import Path
from callagent_cli.intake.contacts import read_contacts
file = read_contacts(Path(sys.argv[1]), default_region="US")
for _ in file:
    pass
counts = file.counts
print(counts.contacts, counts.rejected, counts.duplicates)
status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's as well
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""
ROOT = Path(__file__).parents[2]
AREAS = (202, 212, 303, 305, 310, 404, 415, 602, 617, 713)


def _peak_mb(path: Path) -> tuple[list[int], int]:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=110,
    )
    counts, peak_mb = done.stdout.splitlines()
    return [int(n) for n in counts.split()], int(peak_mb)


def _write(path: Path, contacts: int, others: int) -> None:
    """others: rows that are rejected, and as many that are duplicates."""
    with path.open("w") as file:
        file.write("id,name,phone,note\n")
        for n in range(contacts):
            exchange, line = 200 + n // 100_000 * 10 + n % 7, n // 10 % 10_000
            file.write(f"c{n},Name {n},({AREAS[n % 10]}) {exchange}-{line:04d},note {n}\n")
        file.write("x,Bad,12,note\n" * others)
        file.write(f"y,Twice,({AREAS[0]}) 200-0000,note\n" * others)


def _write_workbook(path: Path, contacts: int) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["id", "phone", "note"])
    for n in range(contacts):
        number = f"({AREAS[n % 10]}) {200 + n % 7}-{n // 10 % 10_000:04d}"
        sheet.append([f"c{n}", number, f"note {n}"])
    book.save(path)


def test_a_workbook_of_20_000_rows_takes_little_more_memory_than_one_of_500(
    tmp_path: Path,
) -> None:
    few, many = tmp_path / "few.xlsx", tmp_path / "many.xlsx"
    _write_workbook(few, 500)
    _write_workbook(many, 20_000)
    _, few_mb = _peak_mb(few)
    counts, many_mb = _peak_mb(many)
    assert counts == [20_000, 0, 0]
    assert many_mb - few_mb < 10


def test_200_000_rows_take_little_more_memory_than_2_000(tmp_path: Path) -> None:
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    _write(few, 1_000, 500)
    _write(many, 70_000, 65_000)
    counts, few_mb = _peak_mb(few)
    assert counts == [1_000, 500, 500]
    counts, many_mb = _peak_mb(many)
    assert counts == [70_000, 65_000, 65_000]
    assert many_mb - few_mb < 20
    assert many_mb < 100
