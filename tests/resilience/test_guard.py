"""What a guarded operation sends, waits for, raises and tells."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callagent_cli.domain.clock import Signal
from callagent_cli.domain.errors import (
    AmbiguousError,
    CircuitOpen,
    ContactError,
    GateClosed,
    Interrupted,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.retry import RetryPolicy
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.service_errors import (
    ambiguous,
    contact_fault,
    refused,
    throttled,
    transient,
)

Make = Callable[..., Any]


def test_answer_comes_back_unchanged(make_guard: Make, service: Make) -> None:
    answer = object()
    assert make_guard().call(service(answer), operation="read") is answer


def test_transient_and_throttled_errors_are_tried_again(
    make_guard: Make, service: Make, clock: HandClock
) -> None:
    voice = service(transient(), throttled(), "ok")
    assert make_guard().call(voice, operation="dial") == "ok"
    assert voice.asked_at_s == [0.0, 5.0, 15.0]


@pytest.mark.parametrize("make_error", [ambiguous, contact_fault, refused])
def test_what_may_have_been_done_or_never_will_be_is_sent_once(
    make_guard: Make, service: Make, make_error: Callable[[], ServiceError]
) -> None:
    error = make_error()
    voice = service(error)
    with pytest.raises(type(error)) as caught:
        make_guard().call(voice, operation="dial")
    assert caught.value is error
    assert error.tries == len(voice.asked_at_s) == 1


def test_used_up_tries_raise_the_last_error_itself_with_their_number(
    make_guard: Make, service: Make, clock: HandClock
) -> None:
    last = transient()
    voice = service(transient(), transient(), transient(), last)
    with pytest.raises(TransientError) as caught:
        make_guard().call(voice, operation="dial")
    assert caught.value is last
    assert last.tries == 4
    assert clock.monotonic() == 35.0


def test_ctrl_c_is_neither_retried_nor_replaced(make_guard: Make, service: Make) -> None:
    voice = service(KeyboardInterrupt())
    guard = make_guard()
    with pytest.raises(KeyboardInterrupt):
        guard.call(voice, operation="dial")
    assert len(voice.asked_at_s) == 1
    assert guard.breaker.fail_counter == 0


def test_bug_in_the_request_is_not_retried(make_guard: Make, service: Make) -> None:
    voice = service(KeyError("conversation_id"))
    with pytest.raises(KeyError):
        make_guard().call(voice, operation="read")
    assert len(voice.asked_at_s) == 1


def test_open_breaker_is_not_retried(
    make_guard: Make, make_breaker: Make, service: Make, clock: HandClock, log: EventLog
) -> None:
    breaker = make_breaker()
    breaker.force_open("planned")
    voice = service("ok")
    with pytest.raises(CircuitOpen) as caught:
        make_guard(breaker).call(voice, operation="dial")
    assert caught.value.tries == 0
    assert (voice.asked_at_s, clock.monotonic()) == ([], 0.0)
    assert log.names == ["breaker.opened"]


def test_error_that_opens_the_breaker_ends_the_retries_at_once_and_is_raised_itself(
    make_guard: Make, make_breaker: Make, service: Make, clock: HandClock
) -> None:
    guard = make_guard(make_breaker(failure_threshold=2))
    second = transient()
    voice = service(transient(), second)
    with pytest.raises(TransientError) as caught:
        guard.call(voice, operation="dial")
    assert caught.value is second
    assert second.tries == 2
    assert voice.asked_at_s == [0.0, 5.0]
    assert clock.monotonic() == 5.0  # nobody slept towards a rejection
    assert guard.breaker.state is BreakerState.OPEN


def test_breaker_that_opens_during_a_wait_ends_the_operation_with_the_error_before_it(
    make_guard: Make, make_breaker: Make, service: Make, clock: HandClock
) -> None:
    breaker = make_breaker()
    looked: list[float] = []
    clock.at(3.0, lambda: breaker.force_open("another worker was refused"))
    first = transient()
    first.__cause__ = OSError("connection refused")
    with pytest.raises(TransientError) as caught:
        make_guard(breaker).call(
            service(first), operation="dial", before_retry=lambda: looked.append(1)
        )
    assert caught.value is first
    assert isinstance(first.__cause__, OSError)
    assert first.tries == 1
    assert looked == []  # no look-up for a request that would be rejected


def test_stop_during_a_wait_raises_and_no_request_follows(
    make_guard: Make, service: Make, clock: HandClock, stop: Signal
) -> None:
    voice = service(transient())
    clock.at(2.0, stop.set)
    with pytest.raises(Interrupted):
        make_guard().call(voice, operation="dial")
    assert voice.asked_at_s == [0.0]
    assert clock.monotonic() == 2.0


def test_stop_set_before_a_wait_of_no_length_still_prevents_the_next_try(
    make_guard: Make, service: Make, stop: Signal
) -> None:
    voice = service(transient())
    stop.set()
    with pytest.raises(Interrupted):
        make_guard(initial_delay_s=0.0).call(voice, operation="dial")
    assert len(voice.asked_at_s) == 1


def test_deadline_is_met_by_not_waiting(
    make_guard: Make, service: Make, clock: HandClock, log: EventLog
) -> None:
    voice = service(transient())
    with pytest.raises(TransientError):
        make_guard().call(voice, operation="read", deadline_s=14.0)
    assert voice.asked_at_s == [0.0, 5.0]
    assert clock.monotonic() == 5.0
    assert log.of(EventName.RETRY_EXHAUSTED)[0]["reason"] == "deadline"


def test_deadline_counts_the_time_of_the_requests(
    make_guard: Make, service: Make, clock: HandClock
) -> None:
    def slow() -> BaseException:
        clock.advance(8.0)
        return transient()

    voice = service(slow)
    with pytest.raises(TransientError):
        make_guard().call(voice, operation="read", deadline_s=14.0)
    assert voice.asked_at_s == [0.0, 13.0]


@pytest.mark.parametrize(("retries", "requests"), [(None, 4), (0, 1), (1, 2), (5, 6)])
def test_retries_of_one_call_replace_the_policys(
    make_guard: Make, make_breaker: Make, service: Make, retries: int | None, requests: int
) -> None:
    voice = service(transient())
    guard = make_guard(make_breaker(failure_threshold=99))
    with pytest.raises(TransientError):
        guard.call(voice, operation="read", retries=retries)
    assert len(voice.asked_at_s) == requests


def test_what_the_look_up_finds_is_the_result_and_no_request_follows(
    make_guard: Make, service: Make, clock: HandClock
) -> None:
    voice = service(transient(), transient(), "a second call")
    answers = iter([None, "found"])
    guard = make_guard()
    result = guard.call(voice, operation="dial", before_retry=lambda: next(answers))
    assert result == "found"
    assert voice.asked_at_s == [0.0, 5.0]
    assert clock.monotonic() == 15.0
    assert guard.breaker.fail_counter == 2  # a look-up is neither success nor failure


@pytest.mark.parametrize("error", [GateClosed("listed"), Interrupted("stop"), transient()])
def test_what_the_look_up_raises_ends_the_operation(
    make_guard: Make, service: Make, clock: HandClock, error: Exception
) -> None:
    def look_up() -> None:
        raise error

    voice = service(transient())
    guard = make_guard()
    with pytest.raises(type(error)) as caught:
        guard.call(voice, operation="dial", before_retry=look_up)
    assert caught.value is error
    assert clock.monotonic() == 5.0
    assert len(voice.asked_at_s) == 1
    assert guard.breaker.fail_counter == 1


def test_guarded_call_inside_another_of_the_same_guard_keeps_both_results(
    make_guard: Make, make_breaker: Make, service: Make
) -> None:
    guard = make_guard(make_breaker(failure_threshold=99))
    inner = service(transient(), "looked up")

    def look_up() -> None:
        assert guard.call(inner, operation="find") == "looked up"

    voice = service(transient(), "placed")
    assert guard.call(voice, operation="dial", before_retry=look_up) == "placed"


def test_listener_that_uses_the_guard_does_not_lose_the_error_it_hears_of(
    clock: HandClock, stop: Signal
) -> None:
    """With tenacity's own hooks the outer call would return None: a failed dial as a success."""

    def listen(name: EventName, /, **fields: FieldValue) -> None:
        if fields.get("operation") == "dial":
            guard.call(lambda: "delivered", operation="alert")

    policy = BreakerPolicy(failure_threshold=99)
    breaker = Breaker("voice", policy, clock=clock, emit=listen, has_probe=False)
    guard = Guard(
        "voice", retry=RetryPolicy(), breaker=breaker, clock=clock, stop=stop, emit=listen
    )

    def request() -> None:
        raise transient()

    with pytest.raises(TransientError) as caught:
        guard.call(request, operation="dial")
    assert caught.value.tries == 4


def test_throttled_calls_never_open_the_breaker(
    make_guard: Make, make_breaker: Make, service: Make
) -> None:
    guard = make_guard(make_breaker(failure_threshold=1))
    for _ in range(3):
        with pytest.raises(ThrottledError):
            guard.call(service(throttled()), operation="dial")
    assert guard.breaker.state is BreakerState.CLOSED


def test_refusal_holds_the_breaker_open_at_once(
    make_guard: Make, service: Make, log: EventLog
) -> None:
    guard = make_guard()
    with pytest.raises(ServiceRefused):
        guard.call(service(refused()), operation="dial")
    assert guard.breaker.state is BreakerState.FORCED_OPEN
    with pytest.raises(CircuitOpen) as caught:
        guard.call(service("ok"), operation="dial")
    assert caught.value.is_forced
    assert caught.value.last_error == "401 wrong key"
    assert caught.value.retry_after_s is None


def test_retry_budget_bounds_the_cost_of_an_outage_over_all_operations(
    make_guard: Make, make_breaker: Make, service: Make, log: EventLog
) -> None:
    guard = make_guard(make_breaker(failure_threshold=10_000), retry_budget=10)
    voice = service(transient())
    for _ in range(100):
        with pytest.raises(TransientError):
            guard.call(voice, operation="dial")
    assert len(voice.asked_at_s) == 100 + 10
    assert log.of(EventName.RETRY_EXHAUSTED)[-1]["reason"] == "retry_budget_spent"


def test_events_say_what_happened_with_both_numbers(
    make_guard: Make, service: Make, clock: HandClock, log: EventLog
) -> None:
    def slow_failure() -> BaseException:
        clock.advance(0.25)
        return transient()

    with pytest.raises(TransientError):
        make_guard(max_attempts=1).call(
            service(slow_failure), operation="dial", fields={"attempt_id": "ca_1"}
        )
    always: dict[str, FieldValue] = {
        "attempt_id": "ca_1",
        "service": "voice",
        "operation": "dial",
        "breaker_state": "closed",
        "max_tries": 2,
        "error": "503 unavailable",
        "error_category": "transient",
        "http_status": 503,
    }
    failed = {"elapsed_ms": 250.0}
    assert [(told.name.value, told.fields) for told in log.told] == [
        ("request.failed", {**always, **failed, "try_no": 1, "retry_count": 0}),
        ("retry.scheduled", {**always, "try_no": 2, "retry_count": 1, "next_retry_s": 5.0}),
        ("request.failed", {**always, **failed, "try_no": 2, "retry_count": 1}),
        (
            "retry.exhausted",
            {**always, "try_no": 2, "retry_count": 1, "reason": "tries_used_up"},
        ),
    ]


def test_one_try_only_has_no_retries_to_exhaust(
    make_guard: Make, service: Make, log: EventLog
) -> None:
    with pytest.raises(TransientError):
        make_guard().call(service(transient()), operation="read", retries=0)
    assert log.names == ["request.failed"]


def test_vendors_text_is_clean_in_events_and_snapshot(
    make_guard: Make, service: Make, log: EventLog
) -> None:
    nasty = ContactError("voice", "bad\x1b[2J\nnumber\u202e", http_status=422)
    guard = make_guard()
    with pytest.raises(ContactError):
        guard.call(service(nasty), operation="dial")
    assert log.told[0].fields["error"] == "bad [2J number"
    assert guard.snapshot().last_error == "bad [2J number"


def test_snapshot_counts_requests_and_measures_the_last_answer(
    make_guard: Make, make_breaker: Make, service: Make, clock: HandClock
) -> None:
    guard = make_guard(make_breaker(failure_threshold=3))

    def taking(seconds: float, answer: object) -> Callable[[], object]:
        def reply() -> object:
            clock.advance(seconds)
            return answer

        return reply

    guard.call(service(taking(0.5, transient()), taking(0.125, "ok")), operation="read")
    with pytest.raises(AmbiguousError):  # no answer: the latency stays the last answer's
        guard.call(service(taking(9.0, ambiguous())), operation="dial")
    seen = guard.snapshot()
    assert (seen.tries, seen.retries, seen.latency_ms) == (3, 1, 125.0)
    assert (seen.consecutive_failures, seen.failure_threshold) == (1, 3)
    assert (seen.opened_for_s, seen.next_trial_in_s) == (None, None)


def test_snapshot_of_an_open_breaker_counts_up_and_down(
    make_guard: Make, make_breaker: Make, service: Make, clock: HandClock
) -> None:
    guard = make_guard(make_breaker(failure_threshold=1))
    with pytest.raises(TransientError):
        guard.call(service(transient()), operation="read")
    clock.advance(25.0)
    seen = guard.snapshot()
    assert seen.breaker_state is BreakerState.OPEN
    assert (seen.opened_for_s, seen.next_trial_in_s) == (25.0, 35.0)
    assert seen.last_error == "503 unavailable"


ANSWERS: dict[str, Callable[[], object]] = {
    "ok": lambda: "ok",
    "transient": transient,
    "throttled": throttled,
    "ambiguous": ambiguous,
    "contact": contact_fault,
}


@given(
    scripts=st.lists(
        st.lists(st.sampled_from(sorted(ANSWERS)), min_size=4, max_size=4), max_size=8
    ),
    threshold=st.integers(1, 6),
)
@settings(deadline=None)
def test_every_request_is_accounted_for(scripts: list[list[str]], threshold: int) -> None:
    clock = HandClock()
    log = EventLog(clock)
    policy = BreakerPolicy(failure_threshold=threshold)
    breaker = Breaker("voice", policy, clock=clock, emit=log, has_probe=False)
    stop = clock.signal()
    guard = Guard("voice", retry=RetryPolicy(), breaker=breaker, clock=clock, stop=stop, emit=log)
    sent: list[str] = []
    tries = 0

    for script in scripts:
        answers = iter(script)

        def request(answers: Any = answers) -> object:
            sent.append(next(answers))
            answer = ANSWERS[sent[-1]]()
            if isinstance(answer, Exception):
                raise answer
            return answer

        before = len(sent)
        try:
            guard.call(request, operation="dial")
            tries += len(sent) - before
        except ServiceError as error:
            assert error.tries == len(sent) - before
            tries += error.tries
        assert sent[before:-1] == [
            answer for answer in sent[before:-1] if answer in ("transient", "throttled")
        ]
        clock.advance(1.0)

    assert len(sent) == tries == guard.snapshot().tries
    assert len(log.of(EventName.REQUEST_FAILED)) == sum(answer != "ok" for answer in sent)


def test_reads_that_work_do_not_hide_that_dials_fail(clock: HandClock) -> None:
    breaker = Breaker(
        "elevenlabs",
        BreakerPolicy(failure_threshold=3),
        clock=clock,
        emit=EventLog(clock),
        has_probe=True,
    )
    guard = Guard(
        "elevenlabs",
        retry=RetryPolicy(),
        breaker=breaker,
        clock=clock,
        stop=clock.signal(),
        emit=EventLog(clock),
    )

    def fail() -> None:
        raise transient()

    for _ in range(3):
        guard.call(lambda: "read", operation="read", retries=0, is_proof=False)
        with pytest.raises(TransientError):
            guard.call(fail, operation="dial", retries=0)
    assert breaker.state is BreakerState.OPEN
