"""Health checks during a run: they ask each service straight, never through its breaker.

Called by: wiring, as a background task. A probe is an authenticated read of what the next call
needs, never a dial. Its result gates and resets the breaker; a closed one it never touches.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.event import Emit, EventName
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.domain.ports import Prober
from callagent_cli.domain.snapshot import BreakerState, ServiceSnapshot
from callagent_cli.domain.text import one_line
from callagent_cli.resilience.breaker import Breaker

_IDLE_TICKS = 10  # a service that is well is looked at every so many ticks
_WELL = (HealthStatus.OK, HealthStatus.DEGRADED)


class HealthMonitor:
    """Probes on a fixed grid: `interval_s`, 2 × `interval_s`, … after `run` began.

    A service whose breaker is not closed is probed at every tick, any other at every tenth. A
    tick that a slow probe overran is left out. `healthy_threshold` good probes in a row reset a
    breaker on probation; Breaker counts them, since it knows of broken probations.
    """

    def __init__(
        self,
        watched: Sequence[tuple[Prober, Breaker]],
        *,
        interval_s: float,
        healthy_threshold: int,
        clock: Clock,
        stop: Signal,
        emit: Emit,
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """is_on_duty: asked before each probe; of several processes only one probes."""
        if not interval_s > 0:
            raise ValueError("interval_s must be more than 0")
        self._watched, self._interval_s = tuple(watched), interval_s
        self._healthy_threshold = healthy_threshold
        self._clock, self._stop, self._emit = clock, stop, emit
        self._is_on_duty = is_on_duty
        self._lock = threading.Lock()
        self._last: dict[str, Health] = {}
        self._next_tick_s: float | None = None

    def run(self) -> None:
        """Probe until the stop signal is set: the body of a thread."""
        began_s, tick = self._clock.monotonic(), 0
        while True:
            passed = int((self._clock.monotonic() - began_s) / self._interval_s)
            tick = max(tick, passed) + 1
            self._next_tick_s = began_s + tick * self._interval_s
            if self._stop.wait(max(0.0, self._next_tick_s - self._clock.monotonic())):
                return
            self.probe_due(tick)

    def probe_due(self, tick: int) -> None:
        """Ask the services whose turn it is at tick number `tick`, from 1."""
        for prober, breaker in self._watched:
            if self._stop.is_set() or not self._is_on_duty():
                return
            if breaker.state is not BreakerState.CLOSED or tick % _IDLE_TICKS == 0:
                self._probe(prober, breaker)

    def last(self, service: str) -> Health | None:
        """The last probe's result, None before the first."""
        with self._lock:
            return self._last.get(service)

    def next_probe_in_s(self) -> float:
        """Seconds until the next tick."""
        if self._next_tick_s is None:
            return self._interval_s
        return max(0.0, self._next_tick_s - self._clock.monotonic())

    def complete(self, snapshot: ServiceSnapshot) -> ServiceSnapshot:
        """A guard's snapshot with what only the monitor knows; unwatched services unchanged."""
        if all(breaker.service != snapshot.service for _, breaker in self._watched):
            return snapshot
        health = self.last(snapshot.service)
        is_soon = snapshot.breaker_state is not BreakerState.CLOSED
        return replace(
            snapshot,
            health=health.status.value if health else "",
            next_probe_in_s=self.next_probe_in_s() if is_soon else None,
        )

    def _probe(self, prober: Prober, breaker: Breaker) -> None:
        health = self._ask(prober, breaker.service)
        with self._lock:
            before = self._last.get(breaker.service)
            self._last[breaker.service] = health
        self._tell(before, health, breaker)
        # after telling, so that the log reads: the probe passed, hence the breaker closed
        if health.status in _WELL:
            breaker.probe_passed(self._healthy_threshold)
        else:
            breaker.probe_failed()

    def _ask(self, prober: Prober, service: str) -> Health:
        try:
            return prober.probe()
        except Exception as error:  # noqa: BLE001 - one probe's bug must not end the others
            detail = f"the probe itself failed: {type(error).__name__}"
            return Health(service, HealthStatus.DOWN, self._clock.now(), detail=detail)

    def _tell(self, before: Health | None, health: Health, breaker: Breaker) -> None:
        was = before.status if before else HealthStatus.OK
        if breaker.state is BreakerState.CLOSED and health.status is was:
            return
        is_well = health.status in _WELL
        detail = one_line(health.detail)
        self._emit(
            EventName.HEALTH_PASSED if is_well else EventName.HEALTH_FAILED,
            service=breaker.service,
            breaker_state=breaker.state.value,
            retry_count=0,
            status=health.status.value,
            detail=detail or None if is_well else None,
            error=None if is_well else detail or health.status.value,
            elapsed_ms=health.latency_ms,
        )
