"""What the ledger says of a campaign when a run ends. What the run did is its own to add."""

from datetime import datetime

from callagent_cli.campaign.agenda import RunEnd
from callagent_cli.campaign.ending import Ending, causes, end_of, next_run, remaining
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.ledger.store import Ledger


def sum_up(
    ledger: Ledger,
    campaign: str,
    now: datetime,
    *,
    run_id: str,
    end: RunEnd | None = None,
    interrupted: int | None = None,
    is_restricted: bool = False,
) -> RunSummary:
    """Of a run that did nothing. end: why it took no more contacts. interrupted: exit status of
    a run that a signal has ended. Raises LedgerError."""
    totals = ledger.totals(campaign)
    ending = end_of(
        totals,
        end=end,
        redials_later=ledger.due_later(campaign, now),
        without_date=ledger.held_without_date(campaign),
        is_restricted=is_restricted,
    )
    if interrupted is not None:
        ending = Ending(interrupted, "interrupted; the same command goes on where it stopped")
    failures = ledger.failures(campaign)
    retried = sum(n for _, category, n in failures if category == "transient")
    return RunSummary(
        campaign=campaign,
        run_id=run_id,
        exit_status=ending.exit_status,
        reason=ending.reason,
        is_planned=ending.is_planned,
        totals=totals,
        dispositions=ledger.dispositions(campaign),
        dialled=0,
        duration_s=0.0,
        cost_usd=None,
        remaining=remaining(totals),
        in_doubt=totals.get("needs_review", 0),
        failures=causes(campaign, failures),
        next_run=next_run(totals, ledger.next_due_at(campaign, now), retried),
    )
