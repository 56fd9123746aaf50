"""When the health monitor asks, what it tells, and what it does to a breaker."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from callagent_cli.domain.clock import Signal
from callagent_cli.domain.errors import ServiceRefused, TransientError
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.domain.snapshot import BreakerState, ServiceSnapshot
from callagent_cli.resilience.breaker import Breaker
from callagent_cli.resilience.probes import HealthMonitor
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.service_errors import refused, transient

Make = Callable[..., Any]
Fail = Callable[[Breaker, BaseException], None]
OK, DEGRADED = HealthStatus.OK, HealthStatus.DEGRADED
DOWN, MISCONFIGURED = HealthStatus.DOWN, HealthStatus.MISCONFIGURED


@dataclass
class Scripted:
    """A prober that answers by a script; its last answer repeats."""

    clock: HandClock
    script: list[HealthStatus | Exception | float]
    service: str = "voice"
    asked_at_s: list[float] = field(default_factory=list)

    def probe(self) -> Health:
        self.asked_at_s.append(self.clock.monotonic())
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):  # slow
            self.clock.advance(answer)
            answer = OK
        return Health(self.service, answer, self.clock.now(), latency_ms=12.0, detail="the agent")


@pytest.fixture
def watch(clock: HandClock, log: EventLog, stop: Signal) -> Callable[..., HealthMonitor]:
    def build(*watched: tuple[Scripted, Breaker], threshold: int = 2) -> HealthMonitor:
        return HealthMonitor(
            list(watched),
            interval_s=30,
            healthy_threshold=threshold,
            clock=clock,
            stop=stop,
            emit=log,
        )

    return build


@pytest.fixture
def run_until(clock: HandClock, stop: Signal) -> Callable[[HealthMonitor, float], None]:
    def run(monitor: HealthMonitor, until_s: float) -> None:
        clock.at(until_s, stop.set)
        monitor.run()
        assert clock.monotonic() == until_s

    return run


@pytest.fixture
def tripped(make_breaker: Make, fail: Fail) -> Breaker:
    breaker: Breaker = make_breaker(has_probe=True, failure_threshold=1)
    fail(breaker, transient())
    return breaker


def test_service_that_is_down_is_probed_on_a_fixed_grid(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker
) -> None:
    clock.advance(7.0)
    prober = Scripted(clock, [DOWN])
    run_until(watch((prober, tripped)), 130.0)
    assert prober.asked_at_s == [37.0, 67.0, 97.0, 127.0]


def test_service_that_is_well_is_probed_every_tenth_time(
    clock: HandClock, watch: Make, run_until: Make, make_breaker: Make
) -> None:
    prober = Scripted(clock, [OK])
    run_until(watch((prober, make_breaker(has_probe=True))), 700.0)
    assert prober.asked_at_s == [300.0, 600.0]


def test_slow_probe_costs_the_tick_it_overran_and_keeps_the_grid(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker
) -> None:
    prober = Scripted(clock, [35.0, DOWN])
    run_until(watch((prober, tripped)), 130.0)
    assert prober.asked_at_s == [30.0, 90.0, 120.0]


def test_stop_ends_the_wait_at_once(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker
) -> None:
    prober = Scripted(clock, [DOWN])
    run_until(watch((prober, tripped)), 31.0)
    assert prober.asked_at_s == [30.0]


def test_good_probes_reset_the_breaker_on_probation_before_the_timer(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker, log: EventLog
) -> None:
    run_until(watch((Scripted(clock, [OK]), tripped), threshold=1), 59.0)
    assert tripped.state is BreakerState.CLOSED
    assert log.names == ["breaker.opened", "health.passed", "breaker.closed"]
    assert log.told[-1].at_s == 30.0


def test_degraded_counts_as_well(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker
) -> None:
    run_until(watch((Scripted(clock, [DEGRADED]), tripped)), 61.0)
    assert tripped.state is BreakerState.CLOSED


@pytest.mark.parametrize("bad", [DOWN, MISCONFIGURED, RuntimeError("a bug in the probe")])
def test_bad_probe_keeps_it_open_and_starts_the_count_again(
    clock: HandClock,
    watch: Make,
    run_until: Make,
    tripped: Breaker,
    bad: HealthStatus | Exception,
) -> None:
    run_until(watch((Scripted(clock, [OK, bad, OK, bad]), tripped)), 200.0)
    assert tripped.state is BreakerState.OPEN
    assert not tripped.admits()


def test_probe_that_raises_does_not_end_the_others(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker, make_breaker: Make
) -> None:
    broken = Scripted(clock, [KeyError("agent")])
    other = Scripted(clock, [DOWN])
    monitor = watch((broken, tripped), (other, tripped))
    run_until(monitor, 61.0)
    assert broken.asked_at_s == other.asked_at_s == [30.0, 60.0]


def test_probe_that_raises_is_told_without_the_exceptions_text(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker, log: EventLog
) -> None:
    monitor = watch((Scripted(clock, [ValueError("key sk_live_1")]), tripped))
    run_until(monitor, 31.0)
    assert log.told[-1].fields["error"] == "the probe itself failed: ValueError"
    assert monitor.last("voice").status is DOWN


def test_good_probe_never_lifts_a_refusal(
    clock: HandClock, watch: Make, run_until: Make, make_breaker: Make, fail: Fail
) -> None:
    breaker = make_breaker(has_probe=True)
    fail(breaker, refused())
    run_until(watch((Scripted(clock, [OK]), breaker)), 1000.0)
    assert breaker.state is BreakerState.FORCED_OPEN


def test_probe_never_counts_against_a_closed_breaker(
    clock: HandClock, watch: Make, run_until: Make, make_breaker: Make
) -> None:
    breaker = make_breaker(has_probe=True, failure_threshold=1)
    run_until(watch((Scripted(clock, [DOWN]), breaker)), 1000.0)
    assert (breaker.state, breaker.fail_counter) == (BreakerState.CLOSED, 0)


def test_closed_services_are_told_of_only_when_their_status_changes(
    clock: HandClock, watch: Make, run_until: Make, make_breaker: Make, log: EventLog
) -> None:
    script: list[HealthStatus | Exception | float] = [OK, OK, DOWN, DOWN, DEGRADED, OK, OK]
    run_until(watch((Scripted(clock, script), make_breaker(has_probe=True))), 2500.0)
    assert [(told.at_s, told.name.value, told.fields["status"]) for told in log.told] == [
        (900.0, "health.failed", "down"),
        (1500.0, "health.passed", "degraded"),
        (1800.0, "health.passed", "ok"),
    ]


def test_every_probe_of_a_service_that_is_not_closed_is_told_with_true_values(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker, log: EventLog
) -> None:
    run_until(watch((Scripted(clock, [DOWN]), tripped)), 61.0)
    assert log.names == ["breaker.opened", "health.failed", "health.failed"]
    assert log.told[-1].fields == {
        "service": "voice",
        "breaker_state": "open",
        "retry_count": 0,
        "status": "down",
        "detail": None,
        "error": "the agent",
        "elapsed_ms": 12.0,
    }


def test_live_view_gets_the_last_health_and_the_time_of_the_next_probe(
    clock: HandClock, watch: Make, run_until: Make, tripped: Breaker
) -> None:
    monitor = watch((Scripted(clock, [DOWN]), tripped))
    assert monitor.last("voice") is None
    assert monitor.next_probe_in_s() == 30.0
    run_until(monitor, 40.0)
    seen = monitor.complete(ServiceSnapshot("voice", BreakerState.OPEN))
    assert (seen.health, seen.next_probe_in_s) == ("down", 20.0)
    other = ServiceSnapshot("crm", BreakerState.OPEN)
    assert monitor.complete(other) is other


def test_lying_probe_costs_few_requests_and_its_lies_are_believed_less_each_time(
    clock: HandClock, log: EventLog, stop: Signal, make_breaker: Make, watch: Make
) -> None:
    """An hour in which every probe passes and every call fails."""
    breaker = make_breaker(has_probe=True)
    monitor = watch((Scripted(clock, [OK]), breaker))
    requests = 0

    def down() -> None:
        nonlocal requests
        requests += 1
        raise transient()

    for no in range(1, 121):
        clock.at(30.0 * no, partial(monitor.probe_due, no))
    while clock.monotonic() < 3600.0:
        while breaker.admits():
            with pytest.raises((TransientError, ServiceRefused)):
                breaker.call(down)
        clock.advance(1.0)
    assert requests <= 20
