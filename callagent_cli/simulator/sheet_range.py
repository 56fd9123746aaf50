"""Ranges of cells as the Sheets API writes them: `'calls'!A1:C5`, `calls!A:A`, `calls!A1:1`."""

import re
from dataclasses import dataclass
from typing import Self

_CELLS = re.compile(r"([A-Z]*)(\d*)(?::([A-Z]*)(\d*))?")


@dataclass(frozen=True, slots=True)
class SheetRange:
    """Counted from 0, the ends not included; None: without end."""

    title: str
    first_row: int = 0
    end_row: int | None = None
    first_column: int = 0
    end_column: int | None = None

    @classmethod
    def of(cls, text: str) -> Self | None:
        """None for what is no range."""
        quoted, mark, cells = text.rpartition("!")
        if not mark:
            return cls(_unquoted(text))
        found = _CELLS.fullmatch(cells)
        if found is None:
            return None
        column, row, last_column, last_row = found.groups()
        if last_column is None:  # a single cell
            last_column, last_row = column, row
        return cls(
            _unquoted(quoted),
            int(row or 1) - 1,
            int(last_row) if last_row else None,
            _number(column or "A") - 1,
            _number(last_column) if last_column else None,
        )


def _unquoted(title: str) -> str:
    return title.removeprefix("'").removesuffix("'").replace("''", "'")


def _number(letters: str) -> int:
    """A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def letters(number: int) -> str:
    """1 is A, 27 is AA."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
