"""A campaign's results: its figures at once, its contacts and rejected rows as streams.

Called by: `callagent report`. Constant memory in the contacts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from callagent_cli.campaign.ending import causes
from callagent_cli.domain.contact import RejectedRow, mask_phone, mask_phones
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import AttemptRow, ContactRow, EndedCall
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.figures import Failure, Figures, Json, RunFigures, rfc3339
from callagent_cli.reporting.outages import alerts_of, outages_of
from callagent_cli.reporting.services import latency_of, services_of, spans_of
from callagent_cli.reporting.tally import reach_of, tallied

_Item = TypeVar("_Item")


class Follow(Protocol):
    """Hands the items on and shows how far it is. total: how many there will be."""

    def __call__(self, items: Iterator[_Item], doing: str, total: int) -> Iterator[_Item]: ...


@dataclass(frozen=True, slots=True)
class Report:
    figures: Figures
    ledger: Ledger
    show_pii: bool
    follow: Follow

    @property
    def campaign(self) -> str:
        return self.figures.campaign

    def contact_rows(self, doing: str = "contacts") -> Iterator[ContactRow]:
        rows = self.ledger.contact_rows(self.campaign)
        return self.follow(rows, doing, self.figures.contact_count)

    def contacts(self) -> Iterator[dict[str, Json]]:
        return (self._contact(row) for row in self.contact_rows())

    def rejected_rows(self) -> Iterator[RejectedRow]:
        return self.ledger.rejected_rows(self.campaign)

    def rejected(self) -> Iterator[dict[str, Json]]:
        for row in self.rejected_rows():
            yield {
                "line": row.line,
                "column": row.column,
                "value": row.value,
                "reason": row.reason,
            }

    def _contact(self, row: ContactRow) -> dict[str, Json]:
        return {
            "id": self.seen(row.contact.id),
            "phone": self.phone(row),
            "name": row.contact.name,
            "state": row.state,
            "disposition": row.disposition,
            "attempts": [self._attempt(attempt) for attempt in row.attempts],
            "next_at": rfc3339(row.next_at) if row.next_at else None,
            "reason": self.seen(row.reason),
        }

    def _attempt(self, row: AttemptRow) -> dict[str, Json]:
        return {
            "attempt_id": row.attempt_id,
            "attempt_no": row.attempt_no,
            "state": row.state,
            "conversation_id": row.conversation_id,
            "started_at": rfc3339(row.started_at) if row.started_at else None,
            "ended_at": rfc3339(row.ended_at) if row.ended_at else None,
            "disposition": row.disposition,
            "error": self.seen(row.error) if row.error else None,
            "error_category": row.error_category,
        }

    def phone(self, row: ContactRow) -> str:
        return row.contact.phone if self.show_pii else mask_phone(row.contact.phone)

    def seen(self, text: str) -> str:
        """A text in which a number may stand: an id may be one, an error may quote one."""
        return text if self.show_pii else mask_phones(text)


def unfollowed(items: Iterator[_Item], doing: str, total: int) -> Iterator[_Item]:
    """A Follow that shows nothing."""
    del doing, total
    return items


def read_report(
    ledger: Ledger, campaign: str, *, show_pii: bool, follow: Follow = unfollowed
) -> Report:
    """show_pii: whole phone numbers. The streams read the ledger as they are used."""
    calls: Iterator[EndedCall] = ledger.ended_calls(campaign)
    tally = tallied(follow(calls, "calls", ledger.ended_call_count(campaign)))
    totals, dispositions = ledger.totals(campaign), ledger.dispositions(campaign)
    runs, measures = ledger.runs_of(campaign), ledger.service_measures(campaign)
    services = services_of(measures)
    figures = Figures(
        campaign=campaign,
        as_of=ledger.latest_event_at(),
        totals=totals,
        contact_count=sum(totals.values()),
        dispositions=dispositions,
        calls=reach_of(dispositions),
        rejected_count=sum(1 for _ in ledger.rejected_rows(campaign)),
        cost=tally.cost(),
        by_attempt=tally.by_attempt(),
        by_hour=tally.by_hour(),
        by_time=tally.by_time(),
        failures=_failures(ledger, campaign, show_pii=show_pii),
        runs=[RunFigures(r.run_id, r.started_at, r.ended_at, r.exit_status) for r in runs],
        incidents=outages_of(ledger, runs),
        alerts=alerts_of(ledger, runs),
        breakers=spans_of(ledger.breaker_changes(campaign), runs, [s.service for s in services]),
        services=services,
        latency=latency_of(measures),
        retries={each.service: each.retries for each in services},
    )
    return Report(figures, ledger, show_pii, follow)


def _failures(ledger: Ledger, campaign: str, *, show_pii: bool) -> list[Failure]:
    """Most frequent first."""
    found = ledger.failures(campaign)
    shown = one_line if show_pii else lambda text: mask_phones(one_line(text))
    return [
        Failure(shown(cause.cause), category, cause.contacts, cause.remedy)
        for cause, (_, category, _) in zip(causes(campaign, found), found, strict=True)
    ]
