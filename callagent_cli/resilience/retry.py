"""When a failed request is made again, after how long, and when that ends.

The only home of tenacity. One `Retrying` per service, *called* for each operation and never
used as a decorator: the decorator shares one statistics dict between threads. What differs
from operation to operation travels as the call's argument.
"""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from tenacity import RetryCallState, Retrying, wait_exponential, wait_random
from tenacity.wait import wait_base

from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.errors import ServiceError, ThrottledError, TransientError
from callagent_cli.domain.event import FieldValue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a service's failed requests are repeated.

    `max_attempts` counts the tries after the first one: 3 means at most four requests.
    `jitter_s` adds 0 … jitter_s to each wait, so that no wait is shorter than its schedule.
    """

    initial_delay_s: float = 5.0
    backoff_factor: float = 2.0
    max_attempts: int = 3
    max_delay_s: float = 60.0
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        waits = (self.initial_delay_s, self.max_delay_s, self.jitter_s)
        if not all(math.isfinite(wait) and wait >= 0 for wait in waits):
            raise ValueError("delays must be finite and not negative")
        if not (math.isfinite(self.backoff_factor) and self.backoff_factor >= 1):
            raise ValueError("backoff_factor must be at least 1")
        if self.max_attempts < 0:
            raise ValueError("max_attempts must not be negative")

    def delays(self) -> tuple[float, ...]:
        """The waits before each retry in seconds, without jitter: (5.0, 10.0, 20.0)."""
        wait, state = self.exponential(), RetryCallState(Retrying(), None, (), {})
        schedule = []
        for state.attempt_number in range(1, self.max_attempts + 1):
            schedule.append(float(wait(state)))
        return tuple(schedule)

    def exponential(self) -> wait_base:
        # `multiplier` is the first wait; `min=5` would give 5, 5, 5, 8
        return wait_exponential(
            multiplier=self.initial_delay_s, exp_base=self.backoff_factor, max=self.max_delay_s
        )


class GaveUp(StrEnum):
    """Why no further try follows an error that could have been repeated."""

    TRIES = "tries_used_up"
    RETRY_AFTER = "retry_after_too_long"
    DEADLINE = "deadline"
    BUDGET = "retry_budget_spent"


@dataclass(slots=True, kw_only=True)
class Operation(Generic[T]):
    """One operation under way, in the hands of one thread."""

    name: str
    request: Callable[[], T]
    max_tries: int
    give_up_at_s: float = math.inf  # on the monotonic clock
    before_retry: Callable[[], T | None] | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    is_proof: bool = True  # its success counts for the breaker
    stop: Signal | None = None  # ends its waits; None: the guard's
    tries: int = 0  # requests made so far
    wait_s: float = 0.0  # before the next one
    last_error: ServiceError | None = None
    gave_up: GaveUp | None = None


class RetryBudget:
    """Bounds a service's retries over all operations: each costs 1, each success gives back 0.1.

    Without it an outage costs `max_attempts` extra requests for every contact that meets it,
    whatever the breaker's settings. Thread-safe.
    """

    REFUND = 0.1

    def __init__(self, capacity: float) -> None:
        self._capacity = self._left = capacity
        self._lock = threading.Lock()

    def spend(self) -> bool:
        """Take one retry; False when there is none left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def refund(self) -> None:
        with self._lock:
            self._left = min(self._capacity, self._left + self.REFUND)


class _RetryAfterAtLeast(wait_base):
    """The longer of the schedule's wait and what the service asked for."""

    def __init__(self, schedule: wait_base) -> None:
        self._schedule = schedule

    def __call__(self, retry_state: RetryCallState) -> float:
        return max(self._schedule(retry_state), _asked_for_s(retry_state.args[0]))


class Retries:
    """Repeats one service's operations by its policy. Shared by all threads.

    may_ask: whether the breaker may still let a request through; asked after each failure,
    so that nobody sleeps towards a rejection.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        clock: Clock,
        may_ask: Callable[[], bool],
        budget: RetryBudget,
    ) -> None:
        self._policy, self._clock = policy, clock
        self._may_ask, self._budget = may_ask, budget
        wait: wait_base = _RetryAfterAtLeast(policy.exponential())
        if policy.jitter_s:
            wait += wait_random(0, policy.jitter_s)
        self._retrying = Retrying(
            # each further try begins with its own wait, in the guard: a call of the same guard
            # from within one of tenacity's hooks would end this one with None
            sleep=lambda _seconds: None,
            stop=self._gives_up,
            wait=wait,
            retry=self._is_worth_repeating,
            before_sleep=_note_wait,
            reraise=True,
        )

    def run(self, operation: Operation[T], one_try: Callable[[Operation[T]], T]) -> T:
        """Call `one_try(operation)` until it returns, or raise its own last exception.

        Only what is `operation.last_error` is ever repeated; from the second try on,
        `operation.wait_s` says how long to wait first.
        """
        result = self._retrying(one_try, operation)
        self._budget.refund()
        return result

    def _is_worth_repeating(self, state: RetryCallState) -> bool:
        """A whitelist: anything else, Ctrl-C included, ends the operation."""
        error = state.outcome.exception() if state.outcome else None
        operation: Operation[object] = state.args[0]
        return (
            isinstance(error, TransientError | ThrottledError)
            and error is operation.last_error
            and self._may_ask()
        )

    def _gives_up(self, state: RetryCallState) -> bool:
        operation: Operation[object] = state.args[0]
        operation.gave_up = self._why_not_again(operation, state.upcoming_sleep)
        return operation.gave_up is not None

    def _why_not_again(self, operation: Operation[object], wait_s: float) -> GaveUp | None:
        if operation.tries >= operation.max_tries:
            return GaveUp.TRIES
        if _asked_for_s(operation) > self._policy.max_delay_s:
            return GaveUp.RETRY_AFTER
        # looks ahead: a deadline that falls into the wait is met by not waiting
        if self._clock.monotonic() + wait_s > operation.give_up_at_s:
            return GaveUp.DEADLINE
        return None if self._budget.spend() else GaveUp.BUDGET


def _asked_for_s(operation: Operation[object]) -> float:
    error = operation.last_error
    return (error.retry_after_s or 0.0) if error is not None else 0.0


def _note_wait(state: RetryCallState) -> None:
    state.args[0].wait_s = state.upcoming_sleep
