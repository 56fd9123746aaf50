"""The file that Prometheus reads, through its node exporter or any other that takes text files.

Called by: the run's telemetry. Reads the ledger over a connection of its own, so that nothing
that is counted here is in the way of a call.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from callagent_cli.campaign.telemetry import RunNow
from callagent_cli.domain.measure import ServiceMeasure, summed
from callagent_cli.ledger.records import RunRow
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.metrics import CampaignNow, Metrics, metrics_text
from callagent_cli.reporting.replaced_file import replace_file

_READABLE = 0o644  # another user's program collects it


class MetricsFile:
    """Tells of every campaign of the ledger; one run at a time may hold it, so that only its
    own campaign is counted anew."""

    def __init__(self, path: Path, open_ledger: Callable[[], Ledger], *, provider: str) -> None:
        self._path, self._open_ledger, self._provider = path, open_ledger, provider
        self._others: list[CampaignNow] | None = None
        self._earlier: list[ServiceMeasure] = []

    def write(self, now: RunNow) -> None:
        """Raises OSError or LedgerError; the file as it was then stands."""
        with self._open_ledger() as ledger:
            if self._others is None:
                names = [name for name in ledger.campaign_names() if name != now.campaign]
                self._earlier = summed(ledger.measures_beside(now.run_id))
                self._others = [_counted(ledger, name) for name in names]
            own = _as_it_is(_counted(ledger, now.campaign), now)
            owed, dead = ledger.owed_by_destination(), ledger.owed_by_destination("dead")
        metrics = Metrics(
            provider=self._provider,
            campaigns=[*self._others, own],
            measures=summed([*self._earlier, *now.measures]),
            breakers=now.breakers,
            owed=owed,
            dead=dead,
        )
        replace_file(self._path, metrics_text(metrics), mode=_READABLE)


def _counted(ledger: Ledger, campaign: str) -> CampaignNow:
    return CampaignNow(
        campaign=campaign,
        contacts=ledger.totals(campaign),
        calls=ledger.dispositions(campaign),
        open_attempts=ledger.open_attempts(campaign),
        cost_usd=ledger.cost_usd(campaign) or 0.0,
        last_run=ledger.latest_run(campaign),
    )


def _as_it_is(counted: CampaignNow, now: RunNow) -> CampaignNow:
    """With the run that is on, or that has ended a moment ago."""
    if now.ended_at is None:
        return replace(counted, began_at=now.began_at)
    ended = RunRow(now.run_id, now.began_at, now.ended_at, now.ended_at, now.exit_status)
    return replace(counted, last_run=ended)
