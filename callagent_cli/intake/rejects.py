"""Rows that are no contacts, told without giving the person away.

Called by: intake.contacts, and the commands that write `<campaign>.rejected.csv`.
"""

import csv
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from callagent_cli.domain.contact import RejectedRow, mask_phone
from callagent_cli.domain.text import clean, formula_safe

_COLUMNS = ("line", "column", "value", "reason", "fix")
_NUMBER = re.compile(r"\+?\(?\d(?:[\s().\-/]*\d){6,}")


def shown(cell: str, max_len: int = 60) -> str:
    """A cell fit to be read by people: cleaned, cut, and every phone number in it masked."""
    return _NUMBER.sub(lambda found: mask_phone(found[0]), clean(cell, 200))[:max_len]


def write_rejects(path: Path, rows: Iterable[RejectedRow]) -> int:
    """Replace `path` in one step by a CSV of the rows, readable by its owner only.

    Returns how many rows it holds. Cells that a spreadsheet would run begin with `'`.
    Raises OSError; the old file is then as it was.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8", newline="") as file:
            written = _write(file, rows)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return written


def _write(file: TextIO, rows: Iterable[RejectedRow]) -> int:
    table = csv.writer(file)
    table.writerow(_COLUMNS)
    written = 0
    for row in rows:
        told = (row.column, row.value, row.reason, row.fix)
        table.writerow([row.line, *map(formula_safe, told)])
        written += 1
    return written
