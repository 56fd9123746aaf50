"""What a cell of a workbook shows, as the text that a person would have typed.

Numbers in digits, never in scientific notation while their digits are known; dates in ISO 8601.
"""

import re
from datetime import date, datetime, time, timedelta

_DIGITS_KNOWN = 15  # a workbook keeps no more of a number
_PADDED = re.compile(r"0{2,}")  # a postcode's format: zeros in front are shown
_PLUS = re.compile(r'"?\\?\+')  # a format that shows numbers as +44 …
_DECIMALS = re.compile(r"0\.(0+)")

Value = str | int | float | bool | date | datetime | time | timedelta | None


def text_of(value: Value, number_format: str = "General") -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return str(value).upper()
        case int() | float():
            return _number(value, number_format)
        case datetime():
            return _moment(value)
        case timedelta():
            return _span(value)
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case _:
            return value.isoformat()


def column_letters(at: int) -> str:
    """0 → `A`, 26 → `AA`."""
    letters, n = "", at + 1
    while n:
        n, rest = divmod(n - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _number(value: int | float, number_format: str) -> str:
    shape = number_format.partition(";")[0]
    decimals = _DECIMALS.search(shape)
    places = len(decimals[1]) if decimals else 0
    if "%" in shape:
        return f"{value:.{places}%}"
    if _PADDED.fullmatch(shape):
        return f"{value:0{len(shape)}.0f}"
    if places:
        return f"{value:.{places}f}"
    is_whole = value == value // 1 and abs(value) < 10**_DIGITS_KNOWN
    digits = str(int(value)) if is_whole else f"{value:.{_DIGITS_KNOWN}g}"
    return f"+{digits}" if _PLUS.match(shape) and value > 0 else digits


def _moment(value: datetime) -> str:
    if value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ", "seconds" if value.second else "minutes")


def _span(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}" + (f":{seconds:02d}" if seconds else "")
