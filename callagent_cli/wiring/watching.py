"""Those who watch from outside, as the settings name them."""

from collections.abc import Callable

from callagent_cli.campaign.telemetry import RunNow
from callagent_cli.config.settings import Settings
from callagent_cli.ledger.store import Ledger


def publisher_of(settings: Settings, ledger: Ledger) -> Callable[[RunNow], None] | None:
    """Writes the metrics file; None without one."""
    if settings.metrics_file is None:
        return None
    from callagent_cli.reporting.metrics_file import MetricsFile

    return MetricsFile(settings.metrics_file, ledger.look, provider=settings.provider).write
