"""The only door to one service: deadline( retry( breaker( timeout( request )))).

The timeout is the HTTP edge's. Each try counts for the breaker, and an open breaker ends the
retries. Called by: campaign.attempt, campaign.delivery, the alert channels. Invariant: what was
not sorted as repeatable at the edge is sent once.
"""

import math
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.errors import CircuitOpen, Interrupted, ServiceError
from callagent_cli.domain.event import Emit, EventName, FieldValue
from callagent_cli.domain.measure import ServiceMeasure
from callagent_cli.domain.snapshot import BreakerState, ServiceSnapshot
from callagent_cli.domain.text import one_line
from callagent_cli.resilience.breaker import Breaker
from callagent_cli.resilience.meter import Meter
from callagent_cli.resilience.retry import Operation, Retries, RetryBudget, RetryPolicy

T = TypeVar("T")

_HELD = (BreakerState.OPEN, BreakerState.FORCED_OPEN)


class _Tally:
    """What a service's requests came to. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tries = self.retries = 0
        self.has_proved = False
        self.last_error = ""
        self.latency_ms: float | None = None

    def sent(self, *, is_retry: bool) -> None:
        with self._lock:
            self.tries += 1
            self.retries += is_retry

    def answered(self, elapsed_ms: float, *, is_proof: bool) -> bool:
        """Whether this is the first answer that proves that the service is well."""
        with self._lock:
            self.latency_ms = elapsed_ms
            is_first = is_proof and not self.has_proved
            self.has_proved = self.has_proved or is_proof
            return is_first

    def failed(self, error: ServiceError, elapsed_ms: float) -> None:
        with self._lock:
            self.last_error = one_line(error.message)
            if error.http_status is not None:
                self.latency_ms = elapsed_ms

    def read(self) -> tuple[int, int, str, float | None]:
        with self._lock:
            return self.tries, self.retries, self.last_error, self.latency_ms


class Guard:
    """Guards one service for all threads.

    retry_budget: retries that the service may cost before successes earn more (0.1 each).
    """

    def __init__(
        self,
        service: str,
        *,
        retry: RetryPolicy,
        breaker: Breaker,
        clock: Clock,
        stop: Signal,
        emit: Emit,
        retry_budget: float = 100.0,
    ) -> None:
        self.service, self.breaker = service, breaker
        self._policy, self._clock, self._stop, self._emit = retry, clock, stop, emit
        self._tally, self._meter = _Tally(), Meter(service)
        self._retries = Retries(
            retry,
            clock=clock,
            may_ask=lambda: breaker.state not in _HELD,
            budget=RetryBudget(retry_budget),
        )

    def call(
        self,
        request: Callable[[], T],
        *,
        operation: str,
        retries: int | None = None,
        deadline_s: float | None = None,
        before_retry: Callable[[], T | None] | None = None,
        fields: Mapping[str, FieldValue] | None = None,
        is_proof: bool = True,
        stop: Signal | None = None,
    ) -> T:
        """Make the request, and again while its error allows it.

        retries: further tries; None is the policy's, 0 makes one try only.
        deadline_s: no wait that would end later than this many seconds from now is begun.
        before_retry: called before each further try, neither retried nor counted by the
            breaker; what it returns, unless None, is the operation's result, and what it raises
            ends the operation.
        fields: added to each event.
        is_proof: False for a request that may work while the ones that matter fail: its
            success neither resets the count of failures nor ends an outage.
        stop: ends this operation's waits, instead of the guard's own signal.

        Raises the last ServiceError with its `tries` set, CircuitOpen when nothing was sent,
        Interrupted when the stop signal was set during a wait.
        """
        further = self._policy.max_attempts if retries is None else retries
        give_up_in_s = math.inf if deadline_s is None else deadline_s
        op = Operation(
            name=operation,
            request=request,
            max_tries=1 + further,
            give_up_at_s=self._clock.monotonic() + give_up_in_s,
            before_retry=before_retry,
            fields=fields or {},
            is_proof=is_proof,
            stop=stop,
        )
        try:
            return self._retries.run(op, self._try)
        except CircuitOpen:
            if op.last_error is None:
                raise
        except ServiceError as error:
            if op.gave_up is not None and further:
                self._tell_exhausted(op, error)
            raise
        raise op.last_error  # the breaker opened during a wait: the error before it says why

    def snapshot(self) -> ServiceSnapshot:
        """The service now; health and next probe are the monitor's to add."""
        tries, retries, last_error, latency_ms = self._tally.read()
        view = self.breaker.view()
        return ServiceSnapshot(
            service=self.service,
            breaker_state=view.state,
            consecutive_failures=view.failures,
            failure_threshold=self.breaker.policy.failure_threshold,
            tries=tries,
            retries=retries,
            last_error=last_error,
            opened_for_s=view.open_for_s,
            next_trial_in_s=view.next_trial_in_s,
            latency_ms=latency_ms,
        )

    @property
    def state(self) -> str:
        """Of its breaker."""
        return self.breaker.state.value

    def measures(self) -> list[ServiceMeasure]:
        """What the requests so far came to, by operation."""
        return self._meter.read()

    def _try(self, op: Operation[T]) -> T:
        if op.tries:
            self._wait(op)
            self.breaker.ensure_admits()  # no look-up for a request that would be rejected
            found = op.before_retry() if op.before_retry else None
            if found is not None:
                return found
        with self.breaker.calling(retry_count=op.tries, is_proof=op.is_proof):
            return self._send(op)

    def _wait(self, op: Operation[T]) -> None:
        """Wait as long as the retry policy says; raising on stop, so that no try follows."""
        self._tell(
            EventName.RETRY_SCHEDULED,
            op,
            op.last_error,
            try_no=op.tries + 1,
            retry_count=op.tries,
            next_retry_s=round(op.wait_s, 3),
        )
        if (op.stop or self._stop).wait(op.wait_s):
            raise Interrupted(f"stopped while waiting to ask {self.service} again")

    def _send(self, op: Operation[T]) -> T:
        self._tally.sent(is_retry=op.tries > 0)
        op.tries += 1
        began_s = self._clock.monotonic()
        try:
            answer = op.request()
        except ServiceError as error:
            error.tries, op.last_error = op.tries, error
            elapsed_ms = self._ms_since(began_s)
            self._tally.failed(error, elapsed_ms)
            self._count(op, elapsed_ms, is_failed=True)
            self._tell(EventName.REQUEST_FAILED, op, error, elapsed_ms=elapsed_ms)
            raise
        elapsed_ms = self._ms_since(began_s)
        self._count(op, elapsed_ms, is_failed=False)
        if self._tally.answered(elapsed_ms, is_proof=op.is_proof):
            self._tell(EventName.SERVICE_ANSWERED, op, None)
        return answer

    def _count(self, op: Operation[T], elapsed_ms: float, *, is_failed: bool) -> None:
        self._meter.count(op.name, elapsed_ms, is_retry=op.tries > 1, is_failed=is_failed)

    def _ms_since(self, began_s: float) -> float:
        return round((self._clock.monotonic() - began_s) * 1000, 3)

    def _tell_exhausted(self, op: Operation[T], error: ServiceError) -> None:
        self._tell(EventName.RETRY_EXHAUSTED, op, error, reason=op.gave_up)

    def _tell(
        self,
        name: EventName,
        op: Operation[T],
        error: ServiceError | None,
        **more: FieldValue,
    ) -> None:
        told: dict[str, FieldValue] = {
            **op.fields,
            "service": self.service,
            "operation": op.name,
            "breaker_state": self.breaker.state.value,
            "try_no": op.tries,
            "max_tries": op.max_tries,
            "retry_count": op.tries - 1,
        }
        if error is not None:
            told |= {
                "error": one_line(error.message),
                "error_category": error.category.value,
                "http_status": error.http_status,
            }
        self._emit(name, **{**told, **more})
