"""The circuit breaker: stops asking a service that is down, and finds out when it is back.

The only home of pybreaker, whose stock `call` holds its lock during the request, counts an
excluded error as a success, lets a late answer close a newer opening, and reads the wall clock.
The rules between the states are in resilience.circuit.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, ParamSpec, TypeVar

from pybreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker
from pybreaker import CircuitBreakerError as StockRejection

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import CallAgentError, CircuitOpen
from callagent_cli.domain.event import Emit
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.resilience.circuit import BreakerPolicy, Circuit, Permit, Transition

__all__ = ["Breaker", "BreakerPolicy", "BreakerView", "Rejection"]

P = ParamSpec("P")
T = TypeVar("T")

_STOCK_NAMES: Mapping[BreakerState, str] = {
    BreakerState.CLOSED: STATE_CLOSED,
    BreakerState.HALF_OPEN: STATE_HALF_OPEN,
    BreakerState.OPEN: STATE_OPEN,
    BreakerState.FORCED_OPEN: STATE_OPEN,
}


class Rejection(CircuitOpen, StockRejection):  # type: ignore[misc]  # pybreaker is untyped here
    """Nothing was sent: the domain's CircuitOpen, and what users of pybreaker catch."""


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A breaker at one moment."""

    state: BreakerState
    failures: int  # consecutive; on probation all but one
    open_for_s: float | None  # since the incident began; None when closed
    next_trial_in_s: float | None  # see Breaker.seconds_until_trial


class Breaker(CircuitBreaker):  # type: ignore[misc]  # pybreaker is untyped here
    """One service's breaker, shared by all threads.

    The lock is held only to admit a call and to settle its outcome, never during a request or
    while telling. `changed` is set at every transition and at every probe result of a breaker
    that is not closed; whoever waits for it clears it.

    Emits breaker.opened, breaker.half_opened and breaker.closed once per transition, with
    service, breaker_state and retry_count (retries of the operation whose try caused it, else
    0); opened also has error, is_retrip (again within one incident) and is_forced; closed has
    elapsed_s of the incident and is_on_probation.
    """

    def __init__(
        self, service: str, policy: BreakerPolicy, *, clock: Clock, emit: Emit, has_probe: bool
    ) -> None:
        self._circuit = Circuit(policy, has_probe=has_probe)  # the stock constructor reads it
        super().__init__(policy.failure_threshold, policy.recovery_timeout_s, name=service)
        self.service, self.policy = service, policy
        self.changed = clock.signal()
        self._clock, self._emit = clock, emit
        self._is_telling = False

    def call(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `func(*args, **kwargs)`, or raise its own exception. Raises Rejection, which
        is a CircuitOpen, when it is not called at all."""
        with self.calling():
            return func(*args, **kwargs)

    @contextmanager
    def calling(self, *, retry_count: int = 0, is_proof: bool = True) -> Iterator[None]:
        """Run the body as one guarded call; raises Rejection before the body.

        retry_count: retries of the operation before this try, for the events.
        is_proof: whether its success shows that the service does what it is there for.
        """
        permit = self._admit(retry_count)
        try:
            yield
        except BaseException as error:
            self._settle(permit, error)
            raise
        self._settle(permit, None if is_proof else CallAgentError("proves nothing"))

    def admits(self) -> bool:
        """Whether a call made now would be let through. Changes nothing."""
        with self._lock:
            return self._circuit.is_admitting(self._clock.monotonic())

    def ensure_admits(self) -> None:
        """Raise the Rejection that a call made now would meet. Changes nothing."""
        with self._lock:
            if not self._circuit.is_admitting(self._clock.monotonic()):
                raise self._rejection()

    def probe_passed(self, healthy_threshold: int = 2) -> None:
        """A probe found the service well. After `healthy_threshold` in a row (twice as many for
        each broken probation of the incident, at most 64) the breaker closes on probation.
        Never touches a closed breaker or one that is held open."""
        with self._lock:
            heard = self._circuit.probe_passed(healthy_threshold, self._clock.monotonic())
        if heard:
            self.changed.set()
            self._tell()

    def probe_failed(self) -> None:
        """A probe found the service down or misconfigured: time alone admits no trial now."""
        with self._lock:
            heard = self._circuit.probe_failed()
        if heard:
            self.changed.set()

    def force_open(self, reason: str) -> None:
        """Hold the breaker open until `lift`; neither time nor a probe ends it."""
        with self._lock:
            self._circuit.force_open(reason, self._clock.monotonic())
        self._tell()

    def lift(self) -> None:
        """End `force_open`: closed, on probation, as nobody has seen an answer yet."""
        with self._lock:
            self._circuit.lift(self._clock.monotonic())
        self._tell()

    def hold_open(self, said: str) -> None:
        """As `force_open`, by a person: `said` tells who, since when and why. Ends with
        `let_go`. Changes nothing where the service itself has refused us."""
        with self._lock:
            self._circuit.hold_open(said, self._clock.monotonic())
        self._tell()

    def let_go(self) -> None:
        """End `hold_open`; changes nothing otherwise."""
        with self._lock:
            self._circuit.let_go(self._clock.monotonic())
        self._tell()

    def heed_opening(self, error: str) -> None:
        """Open, for another process of the fleet has found the service down."""
        with self._lock:
            self._circuit.heed_opening(error, self._clock.monotonic())
        self._tell()

    def heed_closing(self) -> None:
        """Close on probation, for another process has found the service well. Changes nothing
        where a person holds it open."""
        with self._lock:
            self._circuit.heed_closing(self._clock.monotonic())
        self._tell()

    def heed_proof(self) -> None:
        """End the incident, for another process has had a real answer. Changes nothing where a
        person holds it open."""
        with self._lock:
            self._circuit.heed_proof(self._clock.monotonic())
        self._tell()

    @property
    def held(self) -> str:
        """What `hold_open` was told; empty when no person holds it."""
        with self._lock:
            return self._circuit.last_error if self._circuit.is_held else ""

    @property
    def state(self) -> BreakerState:
        return self._circuit.state

    @property
    def current_state(self) -> str:
        """pybreaker's name of the state."""
        return _STOCK_NAMES[self._circuit.state]

    @property
    def fail_counter(self) -> int:
        return self._circuit.failures

    def seconds_until_trial(self) -> float | None:
        """Seconds until a call may be let through on trial: the rest of the break.

        0.0 when one may be made now. None when closed, when held open, while a trial is out,
        and when the break is over but a probe must pass first.
        """
        with self._lock:
            return self._circuit.seconds_until_trial(self._clock.monotonic())

    def view(self) -> BreakerView:
        with self._lock:
            now_s, circuit = self._clock.monotonic(), self._circuit
            is_closed = circuit.state is BreakerState.CLOSED
            return BreakerView(
                state=circuit.state,
                failures=circuit.failures,
                open_for_s=None if is_closed else circuit.incident_age_s(now_s),
                next_trial_in_s=circuit.seconds_until_trial(now_s),
            )

    def _admit(self, retry_count: int) -> Permit:
        with self._lock:
            permit = self._circuit.admit(self._clock.monotonic(), retry_count)
            if permit is None:
                raise self._rejection()
        self._tell()
        return permit

    def _settle(self, permit: Permit, error: BaseException | None) -> None:
        with self._lock:
            self._circuit.settle(permit, error, self._clock.monotonic())
        self._tell()

    def _rejection(self) -> Rejection:
        now_s, circuit = self._clock.monotonic(), self._circuit
        is_forced = circuit.state is BreakerState.FORCED_OPEN
        how = "its breaker is open after: "
        if is_forced:
            how = "it is " if circuit.is_held else "its breaker is held open after: "
        return Rejection(
            self.service,
            f"{self.service} was not asked, {how}{circuit.last_error}",
            since_s=circuit.incident_age_s(now_s),
            retry_after_s=circuit.seconds_until_trial(now_s),
            last_error=circuit.last_error,
            is_forced=is_forced,
        )

    def _tell(self) -> None:
        """Tell the transitions in their order, one at a time. A thread that finds another one
        telling leaves its own to it and goes on, so a listener that hangs delays no call."""
        while self._circuit.untold:
            transition = self._take_untold()
            self.changed.set()
            if transition is None:
                return
            try:
                with contextlib.suppress(Exception):  # what a listener raises is not the call's
                    self._emit(transition.name, service=self.service, **transition.fields)
            finally:
                self._is_telling = False

    def _take_untold(self) -> Transition | None:
        with self._lock:
            if self._is_telling or not self._circuit.untold:
                return None
            self._is_telling = True
            return self._circuit.untold.popleft()

    def _is_not_offered(self, *_args: object, **_kwargs: object) -> NoReturn:
        """The stock meaning of these is a trap: not sticky, wiping the count, never heard."""
        raise TypeError("use call, force_open and lift; listeners hear the emitted events")

    open = close = half_open = call_async = _is_not_offered
    add_listener = add_listeners = _is_not_offered
    add_excluded_exception = add_excluded_exceptions = _is_not_offered
