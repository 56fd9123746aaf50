"""The live objects of one run, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

from callagent_cli.campaign.agenda import Agenda
from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.delivery import Deliveries
from callagent_cli.campaign.holds import HoldWatch
from callagent_cli.campaign.limits import RunLimits
from callagent_cli.campaign.mirror import Mirror
from callagent_cli.campaign.owing import SHEETS, Owing
from callagent_cli.campaign.preparation import CrmDesk, Preparation
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.runner import Runner
from callagent_cli.campaign.script import ScriptWriter
from callagent_cli.campaign.session import Session
from callagent_cli.campaign.telemetry import Telemetry
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Signal
from callagent_cli.domain.event import Emit, FieldValue
from callagent_cli.domain.snapshot import ServiceSnapshot
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.ledger.store import Ledger
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.wiring.alert_book import LedgerAlertBook
from callagent_cli.wiring.beside import Guarded, LlmService, guard_beside
from callagent_cli.wiring.guards import guard_of, monitor_of
from callagent_cli.wiring.policies import run_rules_of, throttle_of
from callagent_cli.wiring.provider import Outside
from callagent_cli.wiring.watching import publisher_of


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who starts a run asks for, beside the settings."""

    campaign: str
    run_id: str
    limits: RunLimits
    concurrency: int
    only: frozenset[str] | None = None


def build_session(
    settings: Settings,
    wish: Wish,
    *,
    outside: Outside,
    ledger: Ledger,
    emit: Emit,
    channels: Sequence[AlertChannel],
) -> Session:
    """channels: of this process, as the terminal; the settings name the others."""
    clock, beside = outside.clock, outside.beside
    stop, over, no_more = clock.signal(), clock.signal(), clock.signal()
    guard, monitor = _voice(settings, outside, stop=stop, over=over, emit=emit)
    fenced = guard_beside(beside, settings, clock=clock, stop=no_more, over=over, emit=emit)
    guards, monitors = (guard, *fenced.guards), (monitor, *fenced.monitors)
    most_tries = settings.deliveries.most_tries
    deliveries = Deliveries(
        fenced.routes, ledger, clock, emit, stop=no_more, most_tries=most_tries
    )
    progress = Progress(
        wish.campaign,
        provider=settings.provider,
        is_sandbox=outside.world is not None,
        clock=clock,
        count_states=lambda: ledger.totals(wish.campaign),
        services=lambda: snapshots(guards, monitors),
    )
    line = _line(settings, wish, outside, guard, ledger, stop, emit)
    rules = run_rules_of(settings, outside.dialer, ledger.number_lists())
    agenda = Agenda(
        wish.campaign,
        line=line,
        rules=rules.eligibility,
        limits=wish.limits,
        lanes=wish.concurrency,
        progress=progress,
        only=wish.only,
    )
    preparation = _preparation(settings, outside, fenced, stop=stop, emit=emit)
    has_sheet = beside.sheets is not None
    book = LedgerAlertBook(ledger, [c.name for c in beside.channels], deliveries.nudge)
    return Session(
        campaign=wish.campaign,
        provider=settings.provider,
        line=line,
        agenda=agenda,
        runner=Runner(wish.campaign, line, agenda, rules, progress, preparation),
        progress=progress,
        monitors=monitors,
        alerts=AlertDesk(channels, clock, emit, throttle_of(settings), book=book),
        deliveries=deliveries,
        holds=HoldWatch(
            [one.breaker for one in guards],
            ledger.holds,
            over=over,
            every_s=_second_of(outside),
        ),
        telemetry=Telemetry(
            wish.campaign,
            wish.run_id,
            guards=guards,
            ledger=ledger,
            clock=clock,
            emit=emit,
            publish=publisher_of(settings, ledger),
        ),
        mirror=Mirror(ledger, clock, lambda: deliveries.nudge((SHEETS,))) if has_sheet else None,
        flush_within_s=settings.deliveries.flush_within,
        over=over,
        workers=wish.concurrency,
        is_restricted=wish.only is not None,
    )


def _second_of(outside: Outside) -> float | None:
    """One of the person's own, on the run's clock; None where time jumps."""
    clock = outside.clock
    return clock.speed if isinstance(clock, VirtualClock) else 1.0


def _voice(
    settings: Settings, outside: Outside, *, stop: Signal, over: Signal, emit: Emit
) -> tuple[Guard, HealthMonitor]:
    voice, clock = settings.services.elevenlabs, outside.clock
    guard = guard_of(
        outside.dialer.service,
        voice.retry,
        voice.circuit_breaker,
        clock=clock,
        stop=stop,
        emit=emit,
        has_probe=True,
    )
    check = voice.health_check
    return guard, monitor_of(outside.dialer, guard, check, clock=clock, over=over, emit=emit)


def _line(
    settings: Settings,
    wish: Wish,
    outside: Outside,
    guard: Guard,
    ledger: Ledger,
    stop: Signal,
    emit: Emit,
) -> Line:
    voice, beside = settings.services.elevenlabs, outside.beside
    owing = Owing(
        wish.campaign,
        wish.run_id,
        crm_parts=beside.crm.owes if beside.crm else (),
        is_mirrored=beside.sheets is not None,
    )
    return Line(
        dialer=outside.dialer,
        guard=guard,
        ledger=ledger,
        clock=outside.clock,
        stop=stop,
        emit=emit,
        owing=owing,
        run_id=wish.run_id,
        own_tries=voice.retry.max_attempts + 1,
        threshold=voice.circuit_breaker.failure_threshold,
    )


def _preparation(
    settings: Settings, outside: Outside, fenced: Guarded, *, stop: Signal, emit: Emit
) -> Preparation:
    beside, clock = outside.beside, outside.clock
    crm = None
    if beside.crm and fenced.crm and settings.services.crm.asks:
        crm = CrmDesk(
            beside.crm,
            fenced.crm,
            wait_s=settings.services.crm.wait,
            clock=clock,
            stop=stop,
            emit=emit,
        )
    writer = None
    if beside.llm and fenced.llm:
        writer = _writer(settings, beside.llm, fenced.llm, stop=stop, emit=emit)
    return Preparation(crm, writer)


def _writer(
    settings: Settings, llm: LlmService, guard: Guard, *, stop: Signal, emit: Emit
) -> ScriptWriter:
    wait_s = settings.services.llm.wait

    def state() -> dict[str, FieldValue]:
        snapshot = guard.snapshot()
        return {"retry_count": snapshot.retries, "breaker_state": snapshot.breaker_state.value}

    return ScriptWriter(
        llm,
        lambda request: guard.call(request, operation="write", deadline_s=wait_s, stop=stop),
        settings.services.llm.fallbacks(),
        emit,
        state,
    )


def snapshots(
    guards: Sequence[Guard], monitors: Sequence[HealthMonitor]
) -> tuple[ServiceSnapshot, ...]:
    """Every service as its guard and its monitor know it."""
    found = [guard.snapshot() for guard in guards]
    for monitor in monitors:
        found = [monitor.complete(snapshot) for snapshot in found]
    return tuple(found)
