"""The live objects of one run, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

from callagent_cli.campaign.agenda import Agenda
from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.limits import RunLimits
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.runner import Runner
from callagent_cli.campaign.session import Session
from callagent_cli.config.services import ElevenLabsSettings
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel, AlertKind
from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.event import Emit
from callagent_cli.domain.ports import Prober
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.ledger.store import Ledger
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.wiring.policies import retry_policy, run_rules_of, throttle_of
from callagent_cli.wiring.provider import Outside


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
    """The live objects of one run."""
    clock, voice = outside.clock, settings.services.elevenlabs
    stop, over = clock.signal(), clock.signal()
    guard = _guard(voice, clock=clock, stop=stop, emit=emit)
    monitor = _monitor(voice, outside.dialer, guard.breaker, clock=clock, over=over, emit=emit)
    progress = Progress(
        wish.campaign,
        provider=settings.provider,
        is_sandbox=outside.world is not None,
        clock=clock,
        count_states=lambda: ledger.totals(wish.campaign),
        services=lambda: (monitor.complete(guard.snapshot()),),
    )
    line = Line(
        dialer=outside.dialer,
        guard=guard,
        ledger=ledger,
        clock=clock,
        stop=stop,
        emit=emit,
        run_id=wish.run_id,
        own_tries=voice.retry.max_attempts + 1,
        threshold=voice.circuit_breaker.failure_threshold,
    )
    rules = run_rules_of(settings, outside.dialer)
    agenda = Agenda(
        wish.campaign,
        line=line,
        rules=rules.eligibility,
        limits=wish.limits,
        lanes=wish.concurrency,
        progress=progress,
        only=wish.only,
    )
    return Session(
        campaign=wish.campaign,
        provider=settings.provider,
        line=line,
        agenda=agenda,
        runner=Runner(wish.campaign, line, agenda, rules, progress),
        progress=progress,
        monitor=monitor,
        alerts=AlertDesk(
            channels,
            clock=clock,
            emit=emit,
            throttle=throttle_of(settings),
            # at the terminal the summary tells it
            untold=frozenset() if len(channels) > 1 else frozenset({AlertKind.CAMPAIGN_FINISHED}),
        ),
        over=over,
        workers=wish.concurrency,
        is_restricted=wish.only is not None,
    )


def _guard(voice: ElevenLabsSettings, *, clock: Clock, stop: Signal, emit: Emit) -> Guard:
    policy = BreakerPolicy(
        failure_threshold=voice.circuit_breaker.failure_threshold,
        recovery_timeout_s=voice.circuit_breaker.recovery_timeout,
    )
    breaker = Breaker("elevenlabs", policy, clock=clock, emit=emit, has_probe=True)
    retry = retry_policy(voice)
    return Guard("elevenlabs", retry=retry, breaker=breaker, clock=clock, stop=stop, emit=emit)


def _monitor(
    voice: ElevenLabsSettings,
    prober: Prober,
    breaker: Breaker,
    *,
    clock: Clock,
    over: Signal,
    emit: Emit,
) -> HealthMonitor:
    return HealthMonitor(
        [(prober, breaker)],
        interval_s=voice.health_check.interval,
        healthy_threshold=voice.health_check.healthy_threshold,
        clock=clock,
        stop=over,
        emit=emit,
    )
