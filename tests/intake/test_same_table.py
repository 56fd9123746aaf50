"""The same table is the same contacts and the same rejected rows, whatever it comes in."""

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.intake.contacts import read_contacts

Table = list[list[str]]

HEADER = ["id", "Phone", "name", "timezone", "consent", "Note"]
NUMBER = st.integers(0, 99).map(lambda n: f"(202) 555-01{n:02d}")
# openpyxl takes what begins with = for a formula and #N/A for an error; XML has no controls
TEXT = st.text(
    alphabet=st.characters(
        codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="=#"
    ),
    max_size=12,
)
ROW = st.tuples(
    st.one_of(st.just(""), st.sampled_from(["a", "b", "c"])),
    st.one_of(NUMBER, NUMBER, st.sampled_from(["", "12", "+1 202 555 0142", "1.2E+10", "x"])),
    TEXT,
    st.sampled_from(["", "America/New_York", "EST"]),
    st.sampled_from(["", "yes", "no", "maybe"]),
    TEXT,
).map(list)


def _delimited(delimiter: str) -> Callable[[Table], bytes]:
    def write(table: Table) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
        return text.getvalue().encode("utf-8-sig")

    return write


def _workbook(table: Table) -> bytes:
    book, held = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for at, row in enumerate(table, start=1):
        for column, cell in enumerate(row, start=1):
            if cell:
                sheet.cell(at, column).value = cell
                sheet.cell(at, column).data_type = "s"
    book.save(held)
    return held.getvalue()


FORMS: dict[str, Callable[[Table], bytes]] = {
    "tsv": _delimited("\t"),
    "csv.gz": lambda table: gzip.compress(_delimited(",")(table)),
    "xlsx": _workbook,
    "xlsx.gz": lambda table: gzip.compress(_workbook(table)),
}


def _read(path: Path, content: bytes) -> list[Contact | RejectedRow]:
    path.write_bytes(content)
    rows = list(read_contacts(path, default_region="US"))
    return [row if isinstance(row, Contact) else _plain(row) for row in rows]


def _plain(row: RejectedRow) -> RejectedRow:
    """Without the words that only a sheet needs: its rows, and a column's letter."""
    column = row.column.partition(" (column ")[0]
    return replace(row, column=column, reason=row.reason.replace("row ", "line "))


@pytest.mark.parametrize("form", FORMS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=8).filter(lambda rows: any(map(any, rows))))
def test_the_table_is_the_same_in_every_form(tmp_path: Path, form: str, rows: Table) -> None:
    table = [HEADER, *rows]
    expected = _read(tmp_path / "people.csv", _delimited(",")(table))
    assert _read(tmp_path / f"people.{form}", FORMS[form](table)) == expected
