"""Those who watch from outside, as the settings name them."""

from collections.abc import Callable

from callagent_cli.campaign.heartbeat import Heartbeat
from callagent_cli.campaign.telemetry import RunNow
from callagent_cli.config.services import CircuitBreaker, Retry, Timeout
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.store import Ledger
from callagent_cli.services.ping import SERVICE, PingUrl, origin_of
from callagent_cli.wiring.guards import guard_of
from callagent_cli.wiring.ledgers import log_of
from callagent_cli.wiring.sessions import http_session, revealed
from callagent_cli.wiring.settings_in_force import is_sandbox

_TIMEOUT = Timeout(connect=3.0, read=4.0, total=4.0)
_RETRY = Retry(initial_delay=1.0, max_attempts=1)


def publisher_of(settings: Settings, ledger: Ledger) -> Callable[[RunNow], None] | None:
    """Writes the metrics file; None without one."""
    if settings.metrics_file is None:
        return None
    from callagent_cli.reporting.metrics_file import MetricsFile

    return MetricsFile(settings.metrics_file, ledger.look, provider=settings.provider).write


def heartbeat_of(settings: Settings, *, run_id: str, campaign: str) -> Heartbeat | None:
    """None without a URL, and in the sandbox, which tells nobody outside of anything."""
    url = revealed(settings.alerts.heartbeat_url)
    if not url or is_sandbox(settings):
        return None
    clock = SystemClock()
    emit = Emitter(clock, run_id=run_id, campaign=campaign)
    emit.listen(log_of(settings))
    guard = guard_of(
        SERVICE,
        _RETRY,
        CircuitBreaker(),
        clock=clock,
        stop=clock.signal(),
        emit=emit,
        has_probe=False,
    )
    target = PingUrl(http_session(SERVICE, origin_of(url), {}, _TIMEOUT, clock), url)

    def ping(signal: str) -> None:
        guard.call(lambda: target.ping(signal), operation=signal or "success")

    return Heartbeat(ping, clock)
