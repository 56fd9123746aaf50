from collections.abc import Callable

import pytest

from callagent_cli.domain.clock import Signal
from callagent_cli.domain.errors import CallAgentError
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.retry import RetryPolicy
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def log(clock: HandClock) -> EventLog:
    return EventLog(clock)


@pytest.fixture
def stop(clock: HandClock) -> Signal:
    return clock.signal()


BreakerMaker = Callable[..., Breaker]


@pytest.fixture
def make_breaker(clock: HandClock, log: EventLog) -> BreakerMaker:
    def make(*, has_probe: bool = False, **policy: float) -> Breaker:
        rules = BreakerPolicy(**policy)  # type: ignore[arg-type]
        return Breaker("voice", rules, clock=clock, emit=log, has_probe=has_probe)

    return make


@pytest.fixture
def make_guard(
    clock: HandClock, log: EventLog, stop: Signal, make_breaker: BreakerMaker
) -> Callable[..., Guard]:
    def make(
        breaker: Breaker | None = None, *, retry_budget: float = 100.0, **policy: float
    ) -> Guard:
        return Guard(
            "voice",
            retry=RetryPolicy(**policy),  # type: ignore[arg-type]
            breaker=breaker or make_breaker(),
            clock=clock,
            stop=stop,
            emit=log,
            retry_budget=retry_budget,
        )

    return make


class Service:
    """Answers by a script: an error is raised, anything else returned; the last one repeats."""

    def __init__(self, clock: HandClock, *script: object) -> None:
        self._clock, self._script = clock, list(script)
        self.asked_at_s: list[float] = []

    def __call__(self) -> object:
        self.asked_at_s.append(self._clock.monotonic())
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def service(clock: HandClock) -> Callable[..., Service]:
    return lambda *script: Service(clock, *script)


@pytest.fixture
def fail(clock: HandClock) -> Callable[[Breaker, CallAgentError | BaseException], None]:
    """Make one call of a breaker end with an error."""

    def end_with(breaker: Breaker, error: BaseException) -> None:
        def request() -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            breaker.call(request)
        assert caught.value is error

    return end_with
