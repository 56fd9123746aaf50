"""An .xlsx workbook, read row by row with openpyxl; its formulas are never worked out.

Source of what a sheet is made of: ECMA-376 part 1, 18.3. Invariants: what it would unpack to is
known before it is unpacked; a row that is hidden, or that shows an error, is told and not called.
"""

import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl import load_workbook
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, WorkSheetParser

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.cells import column_letters, text_of
from callagent_cli.intake.rejects import shown
from callagent_cli.intake.sheet_table import Sheet
from callagent_cli.intake.stored import Stored
from callagent_cli.intake.table import BrokenRow, Row

_MOST_SHEET_BYTES = 1 << 30  # of one sheet, unpacked; read piece by piece
_MOST_HELD_BYTES = 100 << 20  # of all that is held in memory, such as texts that cells share
_WIDEST = 2000  # columns
_SAVE_AS_CSV = "save the sheet as CSV (UTF-8)"
_UNCOMPUTED = object()

# in these ways openpyxl and zipfile tell that a file is not what its name says
_MALFORMED = (
    BadZipFile, zlib.error, DefusedXmlException, SyntaxError, OSError, EOFError, ValueError,
    TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
)  # fmt: skip


class Workbook:
    """A sheet_table.Sheets. Close it."""

    kind = "workbook"

    def __init__(self, stored: Stored) -> None:
        """Raises InputError for what is no workbook, and for one that is too large."""
        self.name = stored.name
        self._file = stored.open()
        with self._understanding():
            with ZipFile(self._file) as archive:
                self._refuse_bomb(archive)
            with _silent():
                self._book = load_workbook(self._file, read_only=True, data_only=True)

    def close(self) -> None:
        self._book.close()
        self._file.close()

    def sheets(self) -> Sequence[Sheet]:
        return [Sheet(tab.title, tab.sheet_state != "visible") for tab in self._tabs()]

    def rows(self, title: str) -> Iterator[Row | BrokenRow]:
        tab = next(tab for tab in self._tabs() if tab.title == title)
        with self._understanding():
            yield from _SheetParser(tab).rows()

    def _tabs(self) -> list[ReadOnlyWorksheet]:
        return [tab for tab in self._book.worksheets if isinstance(tab, ReadOnlyWorksheet)]

    def _refuse_bomb(self, archive: ZipFile) -> None:
        """zipfile unpacks no more of a member than its directory says."""
        sheets = [m for m in archive.infolist() if m.filename.startswith("xl/worksheets/")]
        held = [m for m in archive.infolist() if _is_held(m.filename)]
        largest = max((member.file_size for member in sheets), default=0)
        if largest > _MOST_SHEET_BYTES or sum(m.file_size for m in held) > _MOST_HELD_BYTES:
            raise InputError(
                f"{self.name} is too large for a workbook: it unpacks to"
                f" {sum(member.file_size for member in [*sheets, *held]) >> 20:,} MB",
                hint=f"{_SAVE_AS_CSV}: of that, any size is read",
            )

    @contextmanager
    def _understanding(self) -> Iterator[None]:
        try:
            yield
        except _MALFORMED as error:
            raise InputError(
                f"{self.name} cannot be read as a workbook ({shown(_what(error))})",
                hint=f"open it in the program that made it and save it again, or {_SAVE_AS_CSV}",
            ) from error


@contextmanager
def _silent() -> Iterator[None]:
    """openpyxl warns of styles, extensions and dates that nobody here can do anything about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_held(name: str) -> bool:
    return name.endswith((".xml", ".rels")) and not name.startswith(
        ("xl/worksheets/", "xl/drawings/", "xl/charts/", "xl/media/", "xl/pivot")
    )


def _what(error: Exception) -> str:
    match error.__cause__ or error:  # openpyxl says in words of its own what went wrong below
        case BadZipFile() | zlib.error() | EOFError():
            return "it is damaged or cut off"
        case DefusedXmlException():
            return "it declares XML entities"
        case RuntimeError():
            return "a part of it is encrypted"
        case _:
            return "it is not built as one"


class _SheetParser(WorkSheetParser):
    """openpyxl's reading of cells, without its memory of every row."""

    def __init__(self, tab: Any) -> None:
        """tab: a ReadOnlyWorksheet."""
        book = tab.parent
        super().__init__(
            "",
            tab._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        self._tab = tab

    def rows(self) -> Iterator[Row | BrokenRow]:
        """Those that are in the file: a sheet leaves out what is empty."""
        data: Any = None
        with self._tab._get_source() as source:
            for event, element in iterparse(source, ("start", "end")):
                if element.tag == DATA_TAG:
                    if event == "end":
                        return
                    data = element
                elif element.tag == ROW_TAG and event == "end":
                    is_hidden = element.get("hidden") in ("1", "true")
                    with _silent():
                        line, cells = self.parse_row(element)
                    self.row_dimensions.clear()
                    if data is not None:
                        data.clear()
                    yield self._row(line, cells, is_hidden=is_hidden)

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None:
            cell["value"] = _UNCOMPUTED
        return cell

    def _row(self, line: int, cells: list[dict[str, Any]], *, is_hidden: bool) -> Row | BrokenRow:
        said = [cell for cell in cells if cell["value"] not in (None, "")]
        if is_hidden and said:
            return BrokenRow(line, "the row is hidden in the sheet", "show the row, or delete it")
        texts = [""] * max((cell["column"] for cell in said), default=0)
        if len(texts) > _WIDEST:
            return BrokenRow(line, f"more than {_WIDEST:,} columns", "delete what is far right")
        for cell in said:
            if problem := _problem(cell):
                where = f"cell {column_letters(cell['column'] - 1)}{line}"
                return BrokenRow(line, f"{where} {problem[0]}", problem[1])
            texts[cell["column"] - 1] = self._text(cell)
        return Row(line, texts)

    def _text(self, cell: dict[str, Any]) -> str:
        value = cell["value"]
        if isinstance(value, str) or not cell["style_id"]:
            return text_of(value)
        return text_of(value, ReadOnlyCell(self._tab, **cell).number_format or "General")


def _problem(cell: dict[str, Any]) -> tuple[str, str] | None:
    if cell["value"] is _UNCOMPUTED:
        return (
            "holds a formula whose result is not in the file",
            "open the workbook in a spreadsheet program and save it, or write the value",
        )
    if cell["data_type"] == "e":
        return f"shows {shown(str(cell['value']), 20)}", "correct the formula, or empty the cell"
    return None
