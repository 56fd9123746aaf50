"""The live objects of one run, put together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from callagent_cli.campaign.agenda import Agenda
from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.delivery import Deliveries
from callagent_cli.campaign.holds import HoldWatch
from callagent_cli.campaign.limits import RunLimits
from callagent_cli.campaign.mirror import Mirror
from callagent_cli.campaign.owing import SHEETS, Owing
from callagent_cli.campaign.preparation import CrmDesk, Preparation
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.runner import Journey, Runner, RunRules
from callagent_cli.campaign.script import ScriptWriter
from callagent_cli.campaign.session import Session
from callagent_cli.campaign.telemetry import Telemetry
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Signal
from callagent_cli.domain.event import Emit, FieldValue
from callagent_cli.domain.snapshot import ServiceSnapshot
from callagent_cli.eligibility.decision import Rules
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.store import Ledger
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.wiring.alert_book import LedgerAlertBook
from callagent_cli.wiring.beside import Guarded, LlmService, guard_beside
from callagent_cli.wiring.guards import Watch, guard_of, monitor_of
from callagent_cli.wiring.policies import run_rules_of, throttle_of
from callagent_cli.wiring.provider import Outside
from callagent_cli.wiring.watching import publisher_of

if TYPE_CHECKING:
    from callagent_cli.campaign.shift import Shift


class Seat(Protocol):
    """In a fleet."""

    def leads(self) -> bool:
        """Whether this process probes, tells and delivers for the others."""
        ...

    def ensure_alive(self) -> None:
        """Raises GateClosed in a process that may have been taken for dead."""
        ...

    def shift(
        self, line: Line, rules: Rules, limits: RunLimits, progress: Progress
    ) -> "Shift": ...


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
    emit: Emitter,
    channels: Sequence[AlertChannel],
    seat: Seat | None = None,
) -> Session:
    """channels: of this process, as the terminal; the settings name the others. seat: in a
    fleet; None for a run alone."""
    is_on_duty = seat.leads if seat else _always
    clock, beside = outside.clock, outside.beside
    stop, over, no_more = clock.signal(), clock.signal(), clock.signal()
    watch = Watch(clock, over, emit, is_on_duty)
    guard, monitor = _voice(settings, outside, watch, stop=stop)
    fenced = guard_beside(beside, settings, watch, stop=no_more)
    guards, monitors = (guard, *fenced.guards), (monitor, *fenced.monitors)
    most_tries = settings.deliveries.most_tries
    deliveries = Deliveries(
        fenced.routes,
        ledger,
        clock,
        emit,
        stop=no_more,
        most_tries=most_tries,
        is_on_duty=is_on_duty,
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
    if seat is not None:
        line = replace(line, fence=seat.ensure_alive)
    rules = run_rules_of(settings, outside.dialer, ledger.number_lists())
    preparation = _preparation(settings, outside, fenced, stop=stop, emit=emit)
    agenda: Agenda | Shift
    if seat is None:
        agenda = _agenda(wish, line, rules, progress)
        journey: Journey = Runner(wish.campaign, line, agenda, rules, progress, preparation)
    else:
        agenda = seat.shift(line, rules.eligibility, wish.limits, progress)
        journey = Journey(wish.campaign, line, agenda, rules, progress, preparation)
    has_sheet = beside.sheets is not None
    names = [channel.name for channel in beside.channels]
    book = LedgerAlertBook(ledger, names, deliveries.nudge, is_on_duty)
    return Session(
        campaign=wish.campaign,
        provider=settings.provider,
        line=line,
        agenda=agenda,
        journey=journey,
        progress=progress,
        monitors=monitors,
        alerts=AlertDesk(
            channels, clock, emit, throttle_of(settings), book=book, is_on_duty=is_on_duty
        ),
        breakers=tuple(one.breaker for one in guards),
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
        settle=emit.settle,
        flush_within_s=settings.deliveries.flush_within,
        over=over,
        workers=wish.concurrency,
        is_restricted=wish.only is not None,
    )


def _always() -> bool:
    return True


def _agenda(wish: Wish, line: Line, rules: RunRules, progress: Progress) -> Agenda:
    return Agenda(
        wish.campaign,
        line=line,
        rules=rules.eligibility,
        limits=wish.limits,
        lanes=wish.concurrency,
        progress=progress,
        only=wish.only,
    )


def _second_of(outside: Outside) -> float | None:
    """One of the person's own, on the run's clock; None where time jumps."""
    clock = outside.clock
    return clock.speed if isinstance(clock, VirtualClock) else 1.0


def _voice(
    settings: Settings, outside: Outside, watch: Watch, *, stop: Signal
) -> tuple[Guard, HealthMonitor]:
    voice = settings.services.elevenlabs
    guard = guard_of(
        outside.dialer.service,
        voice.retry,
        voice.circuit_breaker,
        clock=outside.clock,
        stop=stop,
        emit=watch.emit,
        has_probe=True,
    )
    return guard, monitor_of(outside.dialer, guard, voice.health_check, watch)


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
