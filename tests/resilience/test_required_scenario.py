"""The scenario of the mission, second by second: an outage of 95 s, four contacts, one worker."""

from collections import deque
from dataclasses import dataclass, field
from functools import partial

import pytest

from callagent_cli.domain.clock import Signal
from callagent_cli.domain.errors import CircuitOpen, ServiceError, TransientError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.probes import HealthMonitor
from callagent_cli.resilience.retry import RetryPolicy
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.service_errors import transient

OUTAGE_S = 95.0
LAST_PROBE_NO = 10


@dataclass
class Voice:
    """A service that is down until OUTAGE_S; also its own prober."""

    clock: HandClock
    service: str = "voice"
    requests: list[tuple[float, str]] = field(default_factory=list)

    def place(self, contact: str) -> str:
        self.requests.append((self.clock.monotonic(), contact))
        if self.clock.monotonic() < OUTAGE_S:
            raise transient()
        return f"{contact} answered"

    def probe(self) -> Health:
        is_up = self.clock.monotonic() >= OUTAGE_S
        status = HealthStatus.OK if is_up else HealthStatus.DOWN
        return Health(self.service, status, self.clock.now())


@dataclass
class Campaign:
    """One worker, one second between contacts; waits while the line is closed."""

    clock: HandClock
    guard: Guard
    voice: Voice
    queue: deque[str]
    became: list[tuple[float, str, str]] = field(default_factory=list)

    def run(self) -> None:
        breaker = self.guard.breaker
        while self.queue:
            if not breaker.admits():
                self._defer_all()
                while not breaker.admits():
                    breaker.changed.clear()
                    breaker.changed.wait(breaker.seconds_until_trial())
            contact = self.queue.popleft()
            self._call(contact)

    def _call(self, contact: str) -> None:
        try:
            self.guard.call(lambda: self.voice.place(contact), operation="dial")
            self._note(contact, "answered")
        except ServiceError as error:
            own = min(4, self.guard.breaker.policy.failure_threshold)
            if isinstance(error, TransientError) and error.tries >= own:
                self._note(contact, "failed")
                self.clock.advance(1.0)
            else:
                self.queue.appendleft(contact)

    def _defer_all(self) -> None:
        for contact in self.queue:
            self._note(contact, "deferred")

    def _note(self, contact: str, what: str) -> None:
        self.became.append((self.clock.monotonic(), contact, what))


def play(clock: HandClock, log: EventLog, stop: Signal, threshold: int) -> Campaign:
    policy = BreakerPolicy(failure_threshold=threshold)
    breaker = Breaker("voice", policy, clock=clock, emit=log, has_probe=True)
    guard = Guard("voice", retry=RetryPolicy(), breaker=breaker, clock=clock, stop=stop, emit=log)
    voice = Voice(clock)
    monitor = HealthMonitor(
        [(voice, breaker)], interval_s=30, healthy_threshold=2, clock=clock, stop=stop, emit=log
    )
    for no in range(1, LAST_PROBE_NO):  # the health thread, on the one thread of this test
        clock.at(30.0 * no, partial(monitor.probe_due, no))
    campaign = Campaign(clock, guard, voice, deque(["c1", "c2", "c3", "c4"]))
    campaign.run()
    return campaign


def test_required_scenario_runs_exactly_as_designed(
    clock: HandClock, log: EventLog, stop: Signal
) -> None:
    campaign = play(clock, log, stop, threshold=5)
    assert campaign.voice.requests == [
        (0.0, "c1"),
        (5.0, "c1"),
        (15.0, "c1"),
        (35.0, "c1"),
        (36.0, "c2"),
        (120.0, "c2"),
        (120.0, "c3"),
        (120.0, "c4"),
    ]
    assert campaign.became == [
        (35.0, "c1", "failed"),
        (36.0, "c2", "deferred"),
        (36.0, "c3", "deferred"),
        (36.0, "c4", "deferred"),
        (120.0, "c2", "answered"),
        (120.0, "c3", "answered"),
        (120.0, "c4", "answered"),
    ]
    assert [(told.at_s, told.name.value, told.fields["breaker_state"]) for told in log.told] == [
        (0.0, "request.failed", "closed"),
        (0.0, "retry.scheduled", "closed"),
        (5.0, "request.failed", "closed"),
        (5.0, "retry.scheduled", "closed"),
        (15.0, "request.failed", "closed"),
        (15.0, "retry.scheduled", "closed"),
        (35.0, "request.failed", "closed"),
        (35.0, "retry.exhausted", "closed"),
        (36.0, "request.failed", "closed"),
        (36.0, "breaker.opened", "open"),
        (60.0, "health.failed", "open"),
        (90.0, "health.failed", "open"),
        (120.0, "health.passed", "open"),
        (120.0, "breaker.half_opened", "half_open"),
        (120.0, "service.answered", "half_open"),
        (120.0, "breaker.closed", "closed"),
    ]
    waits = [told["next_retry_s"] for told in log.of(EventName.RETRY_SCHEDULED)]
    assert waits == [5.0, 10.0, 20.0]
    tries = [
        (told["try_no"], told["max_tries"], told["retry_count"])
        for told in log.of(EventName.RETRY_SCHEDULED)
    ]
    assert tries == [(2, 4, 1), (3, 4, 2), (4, 4, 3)]
    assert log.of(EventName.BREAKER_CLOSED)[0]["elapsed_s"] == 84.0


@pytest.mark.parametrize(
    ("threshold", "c1_failed_at_s", "requests_in_outage", "retries_of_the_trip"),
    [(3, 15.0, 3, 2), (4, 35.0, 4, 3)],
)
def test_threshold_within_one_calls_tries_opens_with_that_calls_failure(
    clock: HandClock,
    log: EventLog,
    stop: Signal,
    threshold: int,
    c1_failed_at_s: float,
    requests_in_outage: int,
    retries_of_the_trip: int,
) -> None:
    campaign = play(clock, log, stop, threshold)
    in_outage = [at_s for at_s, _ in campaign.voice.requests if at_s < OUTAGE_S]
    assert in_outage == [0.0, 5.0, 15.0, 35.0][:requests_in_outage]
    assert campaign.became[0] == (c1_failed_at_s, "c1", "failed")
    opened = [told for told in log.told if told.name is EventName.BREAKER_OPENED]
    assert [told.at_s for told in opened] == [c1_failed_at_s]
    assert opened[0].fields["retry_count"] == retries_of_the_trip
    assert [contact for at_s, contact in campaign.voice.requests if at_s >= OUTAGE_S] == [
        "c2",
        "c3",
        "c4",
    ]
    assert len(campaign.voice.requests) == requests_in_outage + 3


def test_rejections_during_the_outage_cost_no_request_and_no_time(
    clock: HandClock, log: EventLog, stop: Signal
) -> None:
    breaker = Breaker("voice", BreakerPolicy(), clock=clock, emit=log, has_probe=True)
    guard = Guard("voice", retry=RetryPolicy(), breaker=breaker, clock=clock, stop=stop, emit=log)
    breaker.force_open("planned")
    voice = Voice(clock)
    for contact in ("c1", "c2", "c3"):
        with pytest.raises(CircuitOpen):
            guard.call(partial(voice.place, contact), operation="dial")
    assert (voice.requests, clock.monotonic()) == ([], 0.0)
