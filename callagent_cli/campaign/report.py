"""What became of a campaign: the ledger's rows as the report object of the interface.

Called by: `callagent report`. Reads only; constant memory in the contacts.
"""

import csv
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from callagent_cli.campaign.ending import causes
from callagent_cli.campaign.summary import FailureCause
from callagent_cli.domain.contact import mask_phone, mask_phones
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import formula_safe, one_line
from callagent_cli.ledger.records import AttemptRow, ContactRow
from callagent_cli.ledger.store import Ledger

JsonObject = dict[str, object]

_COLUMNS = (
    "id", "phone", "name", "state", "disposition", "attempts", "last_started_at",
    "last_error", "next_at", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """The figures at once, the contacts and the rejected rows as streams."""

    campaign: str
    totals: Mapping[str, int]  # contact state → n
    dispositions: Mapping[str, int]
    cost_usd: float | None
    failures: tuple[FailureCause, ...]
    ledger: Ledger
    show_pii: bool

    def contact_rows(self) -> Iterator[ContactRow]:
        return self.ledger.contact_rows(self.campaign)

    def contacts(self) -> Iterator[JsonObject]:
        return (self._contact(row) for row in self.contact_rows())

    def rejected(self) -> Iterator[JsonObject]:
        for row in self.ledger.rejected_rows(self.campaign):
            yield {
                "line": row.line,
                "column": row.column,
                "value": row.value,
                "reason": row.reason,
            }

    def json_chunks(self) -> Iterator[str]:
        """The JSON text of the whole report, in pieces."""
        figures: JsonObject = {
            "campaign": self.campaign,
            "totals": dict(self.totals),
            "dispositions": dict(self.dispositions),
            "cost_usd": self.cost_usd,
        }
        yield json.dumps(figures)[:-1]
        yield from _array("contacts", self.contacts())
        yield from _array("rejected", self.rejected())
        yield "}\n"

    def _contact(self, row: ContactRow) -> JsonObject:
        return {
            "id": self.seen(row.contact.id),
            "phone": self.phone(row),
            "name": row.contact.name,
            "state": row.state,
            "disposition": row.disposition,
            "attempts": [self._attempt(attempt) for attempt in row.attempts],
            "next_at": _rfc3339(row.next_at),
            "reason": self.seen(row.reason),
        }

    def _attempt(self, row: AttemptRow) -> JsonObject:
        return {
            "attempt_id": row.attempt_id,
            "attempt_no": row.attempt_no,
            "state": row.state,
            "conversation_id": row.conversation_id,
            "started_at": _rfc3339(row.started_at),
            "ended_at": _rfc3339(row.ended_at),
            "disposition": row.disposition,
            "error": self.seen(row.error) if row.error else None,
            "error_category": row.error_category,
        }

    def phone(self, row: ContactRow) -> str:
        return row.contact.phone if self.show_pii else mask_phone(row.contact.phone)

    def seen(self, text: str) -> str:
        """A text in which a number may stand: an id may be one, an error may quote one."""
        return text if self.show_pii else mask_phones(text)


def read_report(ledger: Ledger, campaign: str, *, show_pii: bool) -> Report:
    """show_pii: whole phone numbers. The streams read the ledger as they are used."""
    return Report(
        campaign=campaign,
        totals=ledger.totals(campaign),
        dispositions=ledger.dispositions(campaign),
        cost_usd=ledger.cost_usd(campaign),
        failures=causes(campaign, ledger.failures(campaign)),
        ledger=ledger,
        show_pii=show_pii,
    )


def write_csv(report: Report, path: Path) -> int:
    """One row a contact, into a new file of the owner's; returns how many.

    Raises InputError when the file exists or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        raise InputError(
            f"{path} exists", hint="choose another name: nothing is overwritten"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            return sum(1 for row in report.contact_rows() if table.writerow(_cells(report, row)))
    except OSError as error:
        path.unlink(missing_ok=True)  # half a table is worse than none
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def _cells(report: Report, row: ContactRow) -> list[str]:
    last = row.attempts[-1] if row.attempts else None
    cells = (
        report.seen(row.contact.id),
        report.phone(row),
        row.contact.name,
        row.state,
        row.disposition or "",
        str(len(row.attempts)),
        _rfc3339(last.started_at) if last else "",
        report.seen(last.error) if last and last.error else "",
        _rfc3339(row.next_at) or "",
        report.seen(row.reason),
    )
    return [formula_safe(one_line(cell or "", 2_000)) for cell in cells]


def _array(name: str, items: Iterator[JsonObject]) -> Iterator[str]:
    yield f', "{name}": ['
    for number, item in enumerate(items):
        yield (",\n" if number else "\n") + json.dumps(item)
    yield "]"


def _rfc3339(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None
