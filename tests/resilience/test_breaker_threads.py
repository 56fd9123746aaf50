"""Many threads at one breaker. Nothing sleeps: they meet at barriers and wait for events."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from callagent_cli.domain.errors import CircuitOpen, TransientError
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.retry import RetryPolicy
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.service_errors import transient

THREADS = 8
PATIENCE_S = 30.0  # a test that needs it has failed


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as threads:
        yield threads


def is_rejected(breaker: Breaker, request: Callable[[], object]) -> bool:
    try:
        breaker.call(request)
    except CircuitOpen:
        return True
    except TransientError:
        return False
    return False


def test_failures_at_the_same_moment_open_it_once(
    clock: HandClock, log: EventLog, pool: ThreadPoolExecutor
) -> None:
    for _ in range(20):
        log.told.clear()
        policy = BreakerPolicy(failure_threshold=5)
        breaker = Breaker("voice", policy, clock=clock, emit=log, has_probe=False)
        all_inside = threading.Barrier(THREADS)

        def request(all_inside: threading.Barrier = all_inside) -> None:
            all_inside.wait(PATIENCE_S)
            raise transient()

        rejected = list(
            pool.map(lambda _, b=breaker, r=request: is_rejected(b, r), range(THREADS))
        )
        assert rejected == [False] * THREADS
        assert log.names == ["breaker.opened"]
        assert breaker.fail_counter == 5


def test_half_open_lets_one_of_many_in_and_the_others_are_not_kept_waiting(
    clock: HandClock, log: EventLog, pool: ThreadPoolExecutor
) -> None:
    for _ in range(20):
        policy = BreakerPolicy(failure_threshold=1)
        breaker = Breaker("voice", policy, clock=clock, emit=log, has_probe=False)
        assert not is_rejected(breaker, _raise_transient)
        clock.advance(60.0)
        at_once, others_are_back = threading.Barrier(THREADS), threading.Semaphore(0)
        tried: list[int] = []

        def trial(tried: list[int] = tried, back: threading.Semaphore = others_are_back) -> None:
            tried.append(1)
            for _ in range(THREADS - 1):
                assert back.acquire(timeout=PATIENCE_S)

        def caller(
            _no: int,
            breaker: Breaker = breaker,
            at_once: threading.Barrier = at_once,
            back: threading.Semaphore = others_are_back,
            trial: Callable[[], None] = trial,
        ) -> bool:
            at_once.wait(PATIENCE_S)
            if is_rejected(breaker, trial):
                back.release()
                return True
            return False

        rejected = list(pool.map(caller, range(THREADS)))
        assert sum(rejected) == THREADS - 1
        assert tried == [1]
        assert breaker.state is BreakerState.CLOSED


def _raise_transient() -> None:
    raise transient()


def test_hung_call_delays_neither_calls_nor_rejections_nor_operators(
    clock: HandClock, log: EventLog, pool: ThreadPoolExecutor
) -> None:
    breaker = Breaker("voice", BreakerPolicy(), clock=clock, emit=log, has_probe=True)
    is_inside, may_end = threading.Event(), threading.Event()

    def hang() -> None:
        is_inside.set()
        may_end.wait(PATIENCE_S)

    hung = pool.submit(breaker.call, hang)
    assert is_inside.wait(PATIENCE_S)

    def everything_else() -> None:
        assert breaker.call(lambda: "ok") == "ok"
        breaker.force_open("maintenance")
        assert is_rejected(breaker, lambda: "never")
        breaker.probe_passed()
        breaker.lift()
        breaker.view()

    try:
        pool.submit(everything_else).result(PATIENCE_S / 3)
        assert not hung.done()
    finally:
        may_end.set()
    hung.result(PATIENCE_S)


def test_hung_listener_delays_no_call_and_loses_no_event(
    clock: HandClock, pool: ThreadPoolExecutor
) -> None:
    is_inside, may_end = threading.Event(), threading.Event()
    heard: list[object] = []

    def listen(name: EventName, /, **fields: FieldValue) -> None:
        heard.append(fields["breaker_state"])
        if len(heard) == 1:
            is_inside.set()
            may_end.wait(PATIENCE_S)

    breaker = Breaker("voice", BreakerPolicy(), clock=clock, emit=listen, has_probe=False)
    hung = pool.submit(breaker.force_open, "maintenance")
    assert is_inside.wait(PATIENCE_S)

    def everything_else() -> None:
        assert is_rejected(breaker, lambda: "never")
        breaker.lift()
        assert breaker.call(lambda: "ok") == "ok"
        breaker.force_open("again")

    try:
        pool.submit(everything_else).result(PATIENCE_S / 3)
        assert heard == ["forced_open"]
    finally:
        may_end.set()
    hung.result(PATIENCE_S)
    assert heard == ["forced_open", "closed", "forced_open"]


def test_many_threads_in_one_guard_keep_their_retries_apart(
    clock: HandClock, log: EventLog, pool: ThreadPoolExecutor
) -> None:
    """A function under tenacity's decorator loses its statistics to another thread here."""
    policy = BreakerPolicy(failure_threshold=10_000)
    guard = Guard(
        "voice",
        retry=RetryPolicy(initial_delay_s=0.0),
        breaker=Breaker("voice", policy, clock=clock, emit=log, has_probe=False),
        clock=clock,
        stop=clock.signal(),
        emit=log,
        retry_budget=1e9,
    )
    all_ready = threading.Barrier(THREADS)

    def worker(no: int) -> list[int]:
        all_ready.wait(PATIENCE_S)
        return [_tries_of(guard, failures=(no + turn) % 5) for turn in range(100)]

    for no, tries in enumerate(pool.map(worker, range(THREADS))):
        assert tries == [min(4, (no + turn) % 5 + 1) for turn in range(100)]
    assert guard.snapshot().tries == sum(
        min(4, (no + turn) % 5 + 1) for no in range(THREADS) for turn in range(100)
    )


def _tries_of(guard: Guard, failures: int) -> int:
    """How many requests one operation makes whose first `failures` answers are 503."""
    sent = 0

    def request() -> None:
        nonlocal sent
        sent += 1
        if sent <= failures:
            raise transient()

    try:
        guard.call(request, operation="read")
    except TransientError as error:
        assert error.tries == sent
    return sent
