"""The services beside the voice provider: as the settings name them, and behind their guards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from callagent_cli.campaign.delivery import Route
from callagent_cli.campaign.owing import MIRRORED
from callagent_cli.config.services import Retry, Watched
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Signal
from callagent_cli.domain.delivery import Destination
from callagent_cli.domain.event import EventName
from callagent_cli.domain.ports import Crm, Prober, Writer
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.services.alert_destination import AlertDestination
from callagent_cli.wiring.guards import Watch, guard_of, monitor_of

_SHEET_GATHER_S = 5.0
_ELSE = Watched(retry=Retry(max_attempts=2))  # alert channels and the sheet have no such settings


class CrmService(Crm, Destination, Prober, Protocol):
    owes: tuple[str, ...]  # the parts in which an outcome is delivered


class LlmService(Writer, Prober, Protocol): ...


@dataclass(frozen=True, slots=True)
class Beside:
    """What is enabled and has what it needs; None and empty are left out."""

    crm: CrmService | None = None
    llm: LlmService | None = None
    sheets: Destination | None = None  # a Prober too, unless it is a file
    channels: Sequence[AlertChannel] = ()


@dataclass(frozen=True, slots=True)
class Guarded:
    """Each of them behind a guard of its own."""

    guards: tuple[Guard, ...] = ()
    monitors: tuple[HealthMonitor, ...] = ()
    routes: tuple[Route, ...] = ()
    crm: Guard | None = None
    llm: Guard | None = None


def guard_beside(beside: Beside, settings: Settings, watch: Watch, *, stop: Signal) -> Guarded:
    """stop: ends the guards' waits."""
    fence = _Fence(watch, stop)
    services = settings.services
    crm = fence.watched(beside.crm, services.crm) if beside.crm else None
    llm = fence.watched(beside.llm, services.llm) if beside.llm else None
    if beside.crm and crm:
        fence.routes.append(Route(beside.crm, crm, wakes_on=frozenset({EventName.CALL_ENDED})))
    if beside.sheets:
        fence.sheet(beside.sheets)
    for channel in beside.channels:
        fence.channel(channel)
    return Guarded(tuple(fence.guards), tuple(fence.monitors), tuple(fence.routes), crm, llm)


class _Fence:
    """Collects what is guarded, watched and delivered to."""

    def __init__(self, watch: Watch, stop: Signal) -> None:
        self._how, self._stop = watch, stop
        self.guards: list[Guard] = []
        self.monitors: list[HealthMonitor] = []
        self.routes: list[Route] = []

    def watched(self, prober: Prober, settings: Watched) -> Guard:
        guard = self._guard(prober.service, settings, has_probe=True)
        self._watch(prober, guard, settings)
        return guard

    def sheet(self, sheets: Destination) -> None:
        has_probe = isinstance(sheets, Prober)
        guard = self._guard(sheets.name, _ELSE, has_probe=has_probe)
        if isinstance(sheets, Prober):
            self._watch(sheets, guard, _ELSE)
        self.routes.append(Route(sheets, guard, wakes_on=MIRRORED, gather_s=_SHEET_GATHER_S))

    def _watch(self, prober: Prober, guard: Guard, settings: Watched) -> None:
        self.monitors.append(monitor_of(prober, guard, settings.health_check, self._how))

    def channel(self, channel: AlertChannel) -> None:
        """Not watched: a mail server that is asked every 30 s to let us in locks us out."""
        guard = self._guard(channel.name, _ELSE, has_probe=False)
        self.routes.append(Route(AlertDestination(channel), guard, is_alert=True))

    def _guard(self, service: str, settings: Watched, *, has_probe: bool) -> Guard:
        guard = guard_of(
            service,
            settings.retry,
            settings.circuit_breaker,
            clock=self._how.clock,
            stop=self._stop,
            emit=self._how.emit,
            has_probe=has_probe,
        )
        self.guards.append(guard)
        return guard
