"""Guards and health monitors, from a service's own settings."""

from collections.abc import Callable
from dataclasses import dataclass

from callagent_cli.config.services import CircuitBreaker, HealthCheck, Retry
from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.event import Emit
from callagent_cli.domain.ports import Prober
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.resilience.retry import RetryPolicy


def retry_policy(retry: Retry) -> RetryPolicy:
    return RetryPolicy(
        initial_delay_s=retry.initial_delay,
        backoff_factor=retry.backoff_factor,
        max_attempts=retry.max_attempts,
        max_delay_s=retry.max_delay,
        jitter_s=retry.jitter,
    )


def guard_of(
    service: str,
    retry: Retry,
    circuit_breaker: CircuitBreaker,
    *,
    clock: Clock,
    stop: Signal,
    emit: Emit,
    has_probe: bool,
) -> Guard:
    """stop: ends its waits."""
    policy = BreakerPolicy(
        failure_threshold=circuit_breaker.failure_threshold,
        recovery_timeout_s=circuit_breaker.recovery_timeout,
    )
    breaker = Breaker(service, policy, clock=clock, emit=emit, has_probe=has_probe)
    return Guard(
        service, retry=retry_policy(retry), breaker=breaker, clock=clock, stop=stop, emit=emit
    )


@dataclass(frozen=True, slots=True)
class Watch:
    """How services are watched. over: set when the run has ended. is_on_duty: of several
    processes only one probes."""

    clock: Clock
    over: Signal
    emit: Emit
    is_on_duty: Callable[[], bool] = lambda: True


def monitor_of(prober: Prober, guard: Guard, check: HealthCheck, watch: Watch) -> HealthMonitor:
    return HealthMonitor(
        [(prober, guard.breaker)],
        interval_s=check.interval,
        healthy_threshold=check.healthy_threshold,
        clock=watch.clock,
        stop=watch.over,
        emit=watch.emit,
        is_on_duty=watch.is_on_duty,
    )
