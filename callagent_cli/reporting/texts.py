"""The report as a text for programs (JSON) and for spreadsheets (CSV), in pieces."""

import csv
import json
from collections.abc import Iterator

from callagent_cli.domain.text import formula_safe, one_line
from callagent_cli.ledger.records import ContactRow
from callagent_cli.reporting.figures import Json, rfc3339
from callagent_cli.reporting.report import Report

_COLUMNS = (
    "id", "phone", "name", "state", "disposition", "attempts", "last_started_at",
    "last_error", "next_at", "reason",
)  # fmt: skip


def json_pieces(report: Report) -> Iterator[str]:
    """One object, ended by a line break."""
    yield json.dumps(report.figures.to_json())[:-1]
    yield from _array("contacts", report.contacts())
    yield from _array("rejected", report.rejected())
    yield "}\n"


def csv_pieces(report: Report) -> Iterator[str]:
    """A heading, then one line a contact."""
    table = csv.writer(_Echo())
    yield str(table.writerow(_COLUMNS))
    for row in report.contact_rows("contacts to CSV"):
        yield str(table.writerow(_cells(report, row)))


class _Echo:
    """A file whose `write` gives back what was written, as `writerow` then does."""

    def write(self, line: str) -> str:
        return line


def _array(name: str, items: Iterator[dict[str, Json]]) -> Iterator[str]:
    yield f', "{name}": ['
    for number, item in enumerate(items):
        yield (",\n" if number else "\n") + json.dumps(item)
    yield "]"


def _cells(report: Report, row: ContactRow) -> list[str]:
    last = row.attempts[-1] if row.attempts else None
    cells = (
        report.seen(row.contact.id),
        report.phone(row),
        row.contact.name,
        row.state,
        row.disposition or "",
        str(len(row.attempts)),
        rfc3339(last.started_at) if last and last.started_at else "",
        report.seen(last.error) if last and last.error else "",
        rfc3339(row.next_at) if row.next_at else "",
        report.seen(row.reason),
    )
    return [formula_safe(one_line(cell, 2_000)) for cell in cells]
