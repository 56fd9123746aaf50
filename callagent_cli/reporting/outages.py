"""What a person was told while runs of the campaign were on: incidents and alerts.

Neither belongs to one campaign in the ledger: an outage hits whoever runs.
"""

from collections.abc import Sequence

from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import AlertRow, IncidentRow, RunRow
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.figures import Outage, SentAlert


def outages_of(ledger: Ledger, runs: Sequence[RunRow]) -> list[Outage]:
    if not runs:
        return []
    listed = ledger.incidents_between(runs[0].started_at, max(run.seen_at for run in runs))
    return [_outage(row) for row in listed if any(_meets(row, run) for run in runs)]


def alerts_of(ledger: Ledger, runs: Sequence[RunRow]) -> list[SentAlert]:
    """One for each alert, with what became of it on each channel."""
    if not runs:
        return []
    by_key: dict[str, list[AlertRow]] = {}
    for row in ledger.alerts_between(runs[0].started_at, max(run.seen_at for run in runs)):
        if any(run.started_at <= row.at <= run.seen_at for run in runs):
            by_key.setdefault(row.key, []).append(row)
    return [_alert(key, rows) for key, rows in by_key.items()]


def _alert(key: str, rows: Sequence[AlertRow]) -> SentAlert:
    kind, about, *_ = [*key.split(":"), ""]
    return SentAlert(rows[0].at, kind, about, {row.channel: row.state for row in rows})


def _meets(row: IncidentRow, run: RunRow) -> bool:
    has_begun = row.opened_at <= run.seen_at
    return has_begun and (row.closed_at is None or row.closed_at >= run.started_at)


def _outage(row: IncidentRow) -> Outage:
    return Outage(
        service=row.service,
        is_refusal=row.is_refusal,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        error=mask_phones(one_line(row.error)),
        reminders=row.reminders,
    )
