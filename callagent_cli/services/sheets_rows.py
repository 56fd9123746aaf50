"""What a delivery looks like as a row, the same for the sheet and for the file."""

import json
import math
from collections.abc import Sequence

from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.text import clean_lines

Cell = str | int | float | bool

KEY = "key"  # heads column A
_LONGEST = 49_000  # characters; a cell of Google's holds 50,000
_EXACT = 2**53  # a sheet keeps numbers as doubles


def row_of(delivery: Delivery, columns: Sequence[str]) -> list[Cell]:
    """The key, then the values of `payload["row"]` in the order of the columns."""
    row = delivery.payload.get("row")
    values = row if isinstance(row, dict) else {}
    return [delivery.key, *(_cell(values.get(column)) for column in columns)]


def _cell(value: object) -> Cell:
    match value:
        case None:
            return ""
        case bool():
            return value
        case int() if abs(value) <= _EXACT:
            return value
        case float() if math.isfinite(value):
            return value
        case str() | int() | float():
            return clean_lines(str(value), _LONGEST)
        case _:
            return clean_lines(json.dumps(value, ensure_ascii=False, default=str), _LONGEST)


def wrong_cell(found: Sequence[object], wanted: Sequence[str]) -> str:
    """The first cell of a header that is not as wanted, in words; empty when all are. More
    columns to the right are a person's own. What stands in the cell is not told: in the wrong
    sheet it may be anybody's data."""
    for index, name in enumerate(wanted):
        if index >= len(found) or str(found[index]) != name:
            return f"cell {column_letters(index)}1 should be {name!r}"
    return ""


def column_letters(index: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
