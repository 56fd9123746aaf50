"""Taking a person out of log and mirror: their lines stay, their names go.

The log masks numbers as it is written; what may name a person there is the id that the contacts
file gave them, a text about them, and what links a line to a call of theirs.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path

from callagent_cli.domain.traces import GONE, Traces

_NAMES = ("contact_id", "phone", "conversation_id", "summary", "reason", "error")


def erase_from_log(path: Path, traces: Traces) -> int:
    """In the log and the older files beside it; returns how many lines were changed."""
    older = sorted(path.parent.glob(f"{path.name}.[0-9]*"))
    return sum(
        _rewrite(file, lambda line: _bare_line(line, traces))
        for file in (path, *older)
        if file.is_file()
    )


def erase_from_mirror(path: Path, traces: Traces) -> int:
    """In the CSV file that mirrors the events; returns how many rows were changed."""
    if not path.is_file():
        return 0
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file), [])
    return _rewrite(path, lambda line: _bare_row(line, columns, traces))


def _bare_line(line: str, traces: Traces) -> str:
    try:
        told = json.loads(line)
    except ValueError:
        return line  # torn by a crash
    if not isinstance(told, dict) or not traces.is_theirs(line, told):
        return line
    return json.dumps(_bare(told), ensure_ascii=True) + "\n"


def _bare_row(line: str, columns: list[str], traces: Traces) -> str:
    cells = next(csv.reader([line]), [])
    told = dict(zip(columns, cells, strict=False))
    if not traces.is_theirs(line, told):
        return line
    text = StringIO()
    csv.writer(text).writerow(_bare(told).values())
    return text.getvalue()


def _bare(told: Mapping[str, object]) -> dict[str, object]:
    return {name: GONE if name in _NAMES and value else value for name, value in told.items()}


def _rewrite(path: Path, change: Callable[[str], str]) -> int:
    """The file appears under its name only when all of it is written; where nothing changes it
    stays as it is."""
    changed = 0

    def lines() -> Iterator[str]:
        nonlocal changed
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            for line in file:
                after = change(line)
                changed += after != line
                yield after

    draft = path.with_name(f"{path.name}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(
            handle, "w", encoding="utf-8", errors="surrogateescape", newline=""
        ) as file:
            file.writelines(lines())
            file.flush()
            os.fsync(file.fileno())
        if changed:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return changed
