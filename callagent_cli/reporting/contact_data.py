"""Contacts as the page's table reads them: rows of values, and texts that many share once.

`{"rows": [[id, name, phone, state, disposition, next_at, reason, attempts]], "texts": […]}`, an
attempt being `[no, state, disposition, started_at, seconds, error, conversation_id, cost_usd]`;
states, dispositions, reasons and errors are places in `texts`, times are seconds since 1970.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import AttemptRow, ContactRow
from callagent_cli.reporting.figures import Json
from callagent_cli.reporting.report import Report

_LONGEST = 300  # characters of a reason, an error or a name
_AS_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def contact_data_pieces(report: Report) -> Iterator[str]:
    """JSON that may stand inside a script element."""
    texts = _Texts()
    yield '{"rows":['
    for number, row in enumerate(report.contact_rows("contacts to HTML")):
        yield (",\n" if number else "") + _script_safe(_contact(report, row, texts))
    yield '],"texts":' + _script_safe(list(texts.places)) + "}"


class _Texts:
    def __init__(self) -> None:
        self.places: dict[str, int] = {"": 0}

    def place(self, text: str | None) -> int:
        return self.places.setdefault(one_line(text or "", _LONGEST), len(self.places))


def _contact(report: Report, row: ContactRow, texts: _Texts) -> list[Json]:
    phone = report.phone(row)
    name, own_id = report.seen(one_line(row.contact.name, _LONGEST)), report.seen(row.contact.id)
    return [
        one_line("" if own_id == phone else own_id, _LONGEST),
        name,
        phone,
        texts.place(row.state),
        texts.place(row.disposition),
        _seconds(row.next_at),
        texts.place(report.seen(row.reason)),
        [_attempt(report, attempt, texts) for attempt in row.attempts],
    ]


def _attempt(report: Report, row: AttemptRow, texts: _Texts) -> list[Json]:
    lasted = row.ended_at - row.started_at if row.started_at and row.ended_at else None
    return [
        row.attempt_no,
        texts.place(row.state),
        texts.place(row.disposition),
        _seconds(row.started_at),
        round(lasted.total_seconds()) if lasted else None,
        texts.place(report.seen(row.error or "")),
        row.conversation_id or "",
        row.cost_usd,
    ]


def _seconds(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at else None


def _script_safe(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_AS_ESCAPES)
