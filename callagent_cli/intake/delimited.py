"""Rows of a delimited text: delimiter found by looking, quotes honoured, lines counted.

Called by: intake.text_table. Invariant: every physical line belongs to exactly one row, and a row
knows the line on which it begins; memory does not grow with the file.
"""

import csv
import re
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import islice
from typing import TextIO

from callagent_cli.intake.table import BrokenRow, Row

DELIMITERS = (",", ";", "\t", "|")
HEAD_CHARS = 1 << 16  # what `find_delimiter` wants to see
_HEAD_ROWS = 50
_LONGEST_LINE = 1 << 20  # characters
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')  # a hint that Excel writes and obeys


class UnclosedQuote(ValueError):
    """A quote was opened and not closed where a cell ends: rows after it cannot be told apart."""

    def __init__(self, line: int) -> None:
        super().__init__(f"a quote opened on line {line} is not closed")
        self.line = line


def find_delimiter(head: str, is_known_header: Callable[[str], bool]) -> str:
    """Choose the delimiter under which the head looks most like a table; comma when in doubt.

    is_known_header: whether a cell is the name of a column we need.
    """
    hint = _SEPARATOR_LINE.match(head)
    if hint:
        return hint[1]
    lines = list(StringIO(head, newline=""))
    if len(head) >= HEAD_CHARS:
        del lines[-1:]  # cut in the middle

    def likeness(delimiter: str) -> tuple[bool, float, int]:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        rows = [row for row in islice(reader, _HEAD_ROWS) if any(cell.strip() for cell in row)]
        if not rows:
            return False, 0.0, 0
        alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        return any(map(is_known_header, rows[0])), alike, len(rows[0])

    try:
        return max(DELIMITERS, key=likeness)
    except csv.Error:  # a huge cell: the rows will say where
        return ","


def read_rows(text: TextIO, delimiter: str) -> Iterator[Row | BrokenRow]:
    """Read rows to the end of the text; empty ones too. Raises UnclosedQuote."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        begin = lines.no + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _LineTooLong) as error:
            if lines.no > begin or "end of data" in str(error):
                raise UnclosedQuote(begin) from error
            yield _broken(begin, error)
        else:
            if begin > 1 or not _SEPARATOR_LINE.fullmatch(lines.last):
                yield Row(begin, cells)


class _LineTooLong(Exception):
    pass


class _Lines:
    """Physical lines, counted, none longer than memory allows."""

    def __init__(self, text: TextIO) -> None:
        self._readline = text.readline
        self.no = 0
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.last = self._readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.no += 1
        if len(line) == _LONGEST_LINE and line[-1] not in "\r\n":
            self._skip_rest()
            raise _LineTooLong(f"the line is longer than {_LONGEST_LINE:,} characters")
        return line

    def _skip_rest(self) -> None:
        rest = "…"
        while rest and rest[-1] not in "\r\n":
            rest = self._readline(_LONGEST_LINE)


def _broken(line: int, error: Exception) -> BrokenRow:
    if isinstance(error, _LineTooLong):
        return BrokenRow(line, str(error), "cut it, or check that rows end with a line break")
    if "field limit" in str(error):
        longest = f"a cell is longer than {csv.field_size_limit():,} characters"
        return BrokenRow(line, longest, "shorten the cell")
    return BrokenRow(
        line,
        "text stands after a closing quote",
        'write quotes inside a quoted cell twice: "5"" pipe"',
    )
