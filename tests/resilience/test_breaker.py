"""The breaker's rules one at a time; many are what the stock pybreaker does otherwise."""

import random
from collections.abc import Callable
from typing import Any

import pybreaker
import pytest

from callagent_cli.domain.errors import (
    CircuitOpen,
    GateClosed,
    Interrupted,
    ServiceError,
    TransientError,
)
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
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
Fail = Callable[[Breaker, BaseException], None]


def trip(breaker: Breaker, fail: Fail) -> None:
    while breaker.state is BreakerState.CLOSED:
        fail(breaker, transient())


def ok() -> str:
    return "ok"


# Counting


def test_breaker_opens_on_exactly_the_thresholds_failure(make_breaker: Make, fail: Fail) -> None:
    breaker = make_breaker()
    for _ in range(4):
        fail(breaker, transient())
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, ambiguous())
    assert breaker.view().state is BreakerState.OPEN


def test_failure_that_opens_it_is_raised_itself(make_breaker: Make, fail: Fail) -> None:
    fail(make_breaker(failure_threshold=1), transient())  # `fail` asserts that it is the same


def test_success_forgives_the_failures_before_it(make_breaker: Make, fail: Fail) -> None:
    breaker = make_breaker(failure_threshold=2)
    fail(breaker, transient())
    breaker.call(ok)
    fail(breaker, transient())
    assert breaker.state is BreakerState.CLOSED


IGNORED = [
    contact_fault(),
    throttled(),
    Interrupted("stop"),
    GateClosed("no"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("error", IGNORED, ids=lambda error: type(error).__name__)
def test_error_that_says_nothing_of_the_service_is_neither_failure_nor_success(
    make_breaker: Make, fail: Fail, error: BaseException
) -> None:
    breaker = make_breaker(failure_threshold=2)
    fail(breaker, transient())
    fail(breaker, error)
    assert breaker.fail_counter == 1


@pytest.mark.parametrize("error", IGNORED, ids=lambda error: type(error).__name__)
def test_trial_that_says_nothing_gives_its_permit_back_and_leaves_it_half_open(
    make_breaker: Make, fail: Fail, clock: HandClock, error: BaseException
) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    clock.advance(60.0)
    fail(breaker, error)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.call(ok) == "ok"
    assert breaker.view().state is BreakerState.CLOSED


def test_ctrl_c_on_the_failure_that_would_open_it_is_not_swallowed(
    make_breaker: Make, fail: Fail
) -> None:
    breaker = make_breaker(failure_threshold=1)
    fail(breaker, KeyboardInterrupt())
    assert breaker.state is BreakerState.CLOSED


def test_unsorted_exception_counts_as_a_failure(make_breaker: Make, fail: Fail) -> None:
    breaker = make_breaker(failure_threshold=1)
    fail(breaker, ConnectionResetError("reset"))
    assert breaker.state is BreakerState.OPEN


# The break and the trial


def test_rejection_is_both_errors_and_says_which_since_when_how_long_and_why(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    clock.advance(20.0)
    with pytest.raises(pybreaker.CircuitBreakerError) as caught:
        breaker.call(ok)
    rejection = caught.value
    assert isinstance(rejection, CircuitOpen)
    assert (rejection.service, rejection.since_s, rejection.retry_after_s) == ("voice", 20.0, 40.0)
    assert (rejection.last_error, rejection.is_forced) == ("503 unavailable", False)
    assert rejection.tries == 0
    assert "503 unavailable" in str(rejection)


def test_first_call_after_the_break_is_the_only_trial(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    clock.advance(59.75)
    assert not breaker.admits()
    clock.advance(0.25)
    assert breaker.admits()
    with breaker.calling():
        assert breaker.state is BreakerState.HALF_OPEN
        assert breaker.seconds_until_trial() is None
        for _ in range(8):
            with pytest.raises(CircuitOpen):
                breaker.call(ok)


def test_failed_trial_reopens_for_twice_as_long_up_to_the_cap_until_a_success(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(failure_threshold=1, max_break_s=200.0)
    trip(breaker, fail)
    breaks = [breaker.seconds_until_trial()]
    for _ in range(3):
        clock.advance(breaker.seconds_until_trial())
        fail(breaker, transient())
        breaks.append(breaker.seconds_until_trial())
    clock.advance(200.0)
    breaker.call(ok)
    trip(breaker, fail)
    assert [*breaks, breaker.seconds_until_trial()] == [60.0, 120.0, 200.0, 200.0, 60.0]


def test_wall_clock_jumps_are_invisible(make_breaker: Make, fail: Fail, clock: HandClock) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    clock.jump_wall(+3600)
    assert not breaker.admits()
    clock.jump_wall(-7200)
    clock.advance(60.0)
    assert breaker.admits()


def test_success_of_a_call_from_before_the_opening_does_not_close_it(
    make_breaker: Make, fail: Fail
) -> None:
    breaker = make_breaker(failure_threshold=1)
    with breaker.calling():
        trip(breaker, fail)
    assert breaker.state is BreakerState.OPEN


def test_failure_of_a_call_from_before_the_recovery_does_not_count(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(failure_threshold=1)
    with pytest.raises(TransientError), breaker.calling():
        trip(breaker, fail)
        clock.advance(60.0)
        breaker.call(ok)
        raise transient()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.fail_counter == 0


def test_waiting_out_the_break_in_one_wait_is_never_too_short(fail: Fail) -> None:
    """For one start in fifty, `now + (end - now)` of floats is less than `end`."""
    dice = random.Random(1)
    for _ in range(500):
        clock = HandClock()
        policy = BreakerPolicy(1, recovery_timeout_s=dice.uniform(3, 100))
        breaker = Breaker("voice", policy, clock=clock, emit=EventLog(clock), has_probe=False)
        clock.advance(dice.uniform(0, 3))
        trip(breaker, fail)
        clock.advance(dice.uniform(0, 3))
        clock.signal().wait(breaker.seconds_until_trial())
        assert breaker.admits()


# Probes


def test_timer_alone_admits_nobody_while_the_last_probe_is_bad(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(has_probe=True, failure_threshold=1)
    trip(breaker, fail)
    clock.advance(60.0)
    assert not breaker.admits()  # no probe yet
    assert breaker.seconds_until_trial() is None
    breaker.probe_passed()
    assert breaker.seconds_until_trial() == 0.0
    breaker.probe_failed()
    assert not breaker.admits()


def test_good_probe_does_not_shorten_the_break_of_a_single_trial(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(has_probe=True, failure_threshold=1)
    trip(breaker, fail)
    clock.advance(30.0)
    breaker.probe_passed()
    assert breaker.seconds_until_trial() == 30.0


def test_probe_before_the_opening_says_nothing_after_it(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(has_probe=True, failure_threshold=1)
    breaker.probe_passed()
    trip(breaker, fail)
    clock.advance(60.0)
    assert not breaker.admits()


def test_enough_good_probes_in_a_row_close_it_on_probation(
    make_breaker: Make, fail: Fail, log: EventLog, clock: HandClock
) -> None:
    breaker = make_breaker(has_probe=True)
    trip(breaker, fail)
    clock.advance(30.0)
    for is_good in (True, False, True):
        breaker.probe_passed(2) if is_good else breaker.probe_failed()
        assert breaker.state is BreakerState.OPEN
    breaker.probe_passed(2)
    assert breaker.state is BreakerState.CLOSED
    closed = log.of(EventName.BREAKER_CLOSED)
    assert (closed[0]["is_on_probation"], closed[0]["elapsed_s"]) == (True, 30.0)
    fail(breaker, transient())
    assert breaker.view().state is BreakerState.OPEN


def test_success_ends_probation(make_breaker: Make, fail: Fail) -> None:
    breaker = make_breaker(has_probe=True)
    trip(breaker, fail)
    breaker.probe_passed(1)
    breaker.call(ok)
    for _ in range(4):
        fail(breaker, transient())
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("is_on_probation", [True, False])
def test_answer_that_another_process_had_ends_the_incident(
    make_breaker: Make, fail: Fail, *, is_on_probation: bool
) -> None:
    breaker = make_breaker(has_probe=True)
    trip(breaker, fail)
    if is_on_probation:
        breaker.probe_passed(1)
    breaker.heed_proof()
    for _ in range(4):
        fail(breaker, transient())
    assert breaker.state is BreakerState.CLOSED


def test_answer_that_another_process_had_forgives_nothing_outside_an_incident(
    make_breaker: Make, fail: Fail
) -> None:
    breaker = make_breaker(has_probe=True)
    for _ in range(4):
        fail(breaker, transient())
    breaker.heed_proof()
    fail(breaker, transient())
    assert breaker.view().state is BreakerState.OPEN


def test_answer_that_another_process_had_does_not_end_what_a_person_holds(
    make_breaker: Make,
) -> None:
    breaker = make_breaker(has_probe=True)
    breaker.hold_open("Kim: migration")
    breaker.heed_proof()
    assert (breaker.state, breaker.held) == (BreakerState.FORCED_OPEN, "Kim: migration")


def test_each_broken_probation_doubles_the_good_probes_wanted_up_to_64(
    make_breaker: Make, fail: Fail
) -> None:
    breaker = make_breaker(has_probe=True)
    trip(breaker, fail)
    wanted = []
    for _ in range(7):
        passes = 0
        while breaker.state is not BreakerState.CLOSED:
            breaker.probe_passed(2)
            passes += 1
        wanted.append(passes)
        fail(breaker, transient())
    assert wanted == [2, 4, 8, 16, 32, 64, 64]


def test_good_probe_never_touches_a_closed_breaker(
    make_breaker: Make, fail: Fail, log: EventLog
) -> None:
    breaker = make_breaker(has_probe=True)
    for _ in range(4):
        fail(breaker, transient())
        breaker.probe_passed(1)
        breaker.probe_failed()
    assert (breaker.fail_counter, log.told) == (4, [])
    assert not breaker.changed.is_set()


def test_waiter_is_woken_by_each_transition_and_each_probe(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(has_probe=True, failure_threshold=1)

    def recover() -> None:
        clock.advance(60.0)
        breaker.call(ok)

    for step in (
        lambda: trip(breaker, fail),
        breaker.probe_failed,
        breaker.probe_passed,
        recover,
        lambda: breaker.force_open("x"),
        breaker.lift,
    ):
        breaker.changed.clear()
        step()
        assert breaker.changed.is_set()


# Held open


def test_refusal_holds_it_open_against_time_and_probes_until_lifted(
    make_breaker: Make, fail: Fail, clock: HandClock, log: EventLog
) -> None:
    breaker = make_breaker(has_probe=True)
    fail(breaker, refused())
    clock.advance(100_000.0)
    for _ in range(200):
        breaker.probe_passed(1)
    assert breaker.state is BreakerState.FORCED_OPEN
    assert not breaker.admits()
    breaker.lift()
    assert breaker.admits()
    opened = log.of(EventName.BREAKER_OPENED)
    assert [(told["is_forced"], told["http_status"]) for told in opened] == [(True, 401)]


def test_trial_that_is_refused_holds_it_open(
    make_breaker: Make, fail: Fail, clock: HandClock
) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    clock.advance(60.0)
    fail(breaker, refused())
    assert breaker.state is BreakerState.FORCED_OPEN


def test_lifting_puts_it_on_probation(make_breaker: Make, fail: Fail) -> None:
    breaker = make_breaker()
    breaker.force_open("maintenance")
    breaker.lift()
    fail(breaker, transient())
    assert breaker.state is BreakerState.OPEN


def test_lifting_what_is_not_held_changes_nothing(
    make_breaker: Make, fail: Fail, log: EventLog
) -> None:
    breaker = make_breaker(failure_threshold=1)
    breaker.lift()
    trip(breaker, fail)
    breaker.lift()
    assert breaker.state is BreakerState.OPEN
    assert log.names == ["breaker.opened"]


def test_holding_open_twice_tells_once_and_keeps_the_first_reason(
    make_breaker: Make, log: EventLog
) -> None:
    breaker = make_breaker()
    breaker.force_open("maintenance")
    breaker.force_open("something else")
    assert log.names == ["breaker.opened"]
    with pytest.raises(CircuitOpen) as caught:
        breaker.call(ok)
    assert caught.value.last_error == "maintenance"


# Held open by a person


def test_what_a_person_holds_open_only_letting_go_ends(
    make_breaker: Make, clock: HandClock, log: EventLog
) -> None:
    breaker = make_breaker(has_probe=True)
    breaker.hold_open("held open by Kim: migration")
    clock.advance(100_000.0)
    breaker.probe_passed(1)
    assert (breaker.state, breaker.held) == (
        BreakerState.FORCED_OPEN,
        "held open by Kim: migration",
    )
    with pytest.raises(CircuitOpen, match="was not asked, it is held open by Kim: migration"):
        breaker.call(ok)
    breaker.let_go()
    assert (breaker.state, breaker.held) == (BreakerState.CLOSED, "")
    assert log.of(EventName.BREAKER_OPENED)[0]["is_held"] is True


def test_letting_go_does_not_open_the_door_of_a_service_that_refuses_us(
    make_breaker: Make, fail: Fail
) -> None:
    breaker = make_breaker()
    fail(breaker, refused())
    breaker.hold_open("held open by Kim: migration")
    assert breaker.held == ""
    breaker.let_go()
    assert breaker.state is BreakerState.FORCED_OPEN


def test_letting_go_does_not_close_what_opened_by_itself(make_breaker: Make, fail: Fail) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    breaker.let_go()
    assert breaker.state is BreakerState.OPEN


# Telling


def test_one_incident_tells_which_openings_are_new(
    make_breaker: Make, fail: Fail, clock: HandClock, log: EventLog
) -> None:
    breaker = make_breaker(failure_threshold=1)
    trip(breaker, fail)
    clock.advance(60.0)
    fail(breaker, transient())
    clock.advance(120.0)
    breaker.call(ok)
    trip(breaker, fail)
    assert [told["is_retrip"] for told in log.of(EventName.BREAKER_OPENED)] == [
        False,
        True,
        False,
    ]
    assert [told["elapsed_s"] for told in log.of(EventName.BREAKER_CLOSED)] == [180.0]


def test_opening_tells_the_retries_of_the_operation_that_caused_it(
    make_breaker: Make, log: EventLog
) -> None:
    breaker = make_breaker(failure_threshold=1)
    with pytest.raises(ServiceError), breaker.calling(retry_count=2):
        raise transient()
    told = log.told[0].fields
    assert (told["retry_count"], told["error_category"], told["http_status"]) == (
        2,
        "transient",
        503,
    )


def test_listener_sees_the_new_state(clock: HandClock, fail: Fail) -> None:
    seen: list[tuple[object, str]] = []

    def listen(name: EventName, /, **fields: FieldValue) -> None:
        seen.append((fields["breaker_state"], breaker.state.value))

    policy = BreakerPolicy(failure_threshold=1)
    breaker = Breaker("voice", policy, clock=clock, emit=listen, has_probe=False)
    trip(breaker, fail)
    assert seen == [("open", "open")]


def test_listener_that_raises_neither_keeps_it_from_opening_nor_hides_the_error(
    clock: HandClock, fail: Fail
) -> None:
    def listen(name: EventName, /, **fields: FieldValue) -> None:
        raise OSError("the mail server is down too")

    policy = BreakerPolicy(failure_threshold=1)
    breaker = Breaker("voice", policy, clock=clock, emit=listen, has_probe=False)
    fail(breaker, transient())
    assert breaker.state is BreakerState.OPEN
    assert breaker.changed.is_set()


def test_transitions_made_by_a_listener_are_told_after_the_one_it_hears(
    clock: HandClock, fail: Fail
) -> None:
    heard: list[object] = []

    def listen(name: EventName, /, **fields: FieldValue) -> None:
        heard.append(fields["breaker_state"])
        if heard == ["open"]:
            breaker.force_open("an operator was quick")
            heard.append("listener done")

    policy = BreakerPolicy(failure_threshold=1)
    breaker = Breaker("voice", policy, clock=clock, emit=listen, has_probe=False)
    trip(breaker, fail)
    assert heard == ["open", "listener done", "forced_open"]


def test_two_breakers_whose_listeners_use_each_other_do_not_lock_up(
    clock: HandClock, fail: Fail
) -> None:
    pair: dict[str, Breaker] = {}

    def listen(name: EventName, /, **fields: FieldValue) -> None:
        other = pair["mail" if fields["service"] == "voice" else "voice"]
        if other.admits():
            fail(other, transient())

    for service in ("voice", "mail"):
        pair[service] = Breaker(
            service,
            BreakerPolicy(failure_threshold=1),
            clock=clock,
            emit=listen,
            has_probe=False,
        )
    trip(pair["voice"], fail)
    assert pair["mail"].state is BreakerState.OPEN


# What it keeps of pybreaker


def test_it_is_a_pybreaker_that_decorates_and_names_itself(make_breaker: Make) -> None:
    breaker = make_breaker()

    @breaker  # type: ignore[untyped-decorator]
    def greet(name: str, *, loudly: bool) -> str:
        return name.upper() if loudly else name

    assert isinstance(breaker, pybreaker.CircuitBreaker)
    assert greet("ann", loudly=True) == "ANN"
    assert (breaker.name, breaker.current_state) == ("voice", pybreaker.STATE_CLOSED)


@pytest.mark.parametrize(
    "door",
    [
        "open",
        "close",
        "half_open",
        "call_async",
        "add_listener",
        "add_listeners",
        "add_excluded_exception",
        "add_excluded_exceptions",
    ],
)
def test_stock_doors_that_would_pass_by_the_rules_are_shut(make_breaker: Make, door: str) -> None:
    breaker = make_breaker()
    with pytest.raises(TypeError):
        getattr(breaker, door)()
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(
    "wrong", [{"failure_threshold": 0}, {"recovery_timeout_s": 0.0}, {"recovery_timeout_s": -1.0}]
)
def test_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        BreakerPolicy(**wrong)  # type: ignore[arg-type]


def test_break_never_falls_below_the_recovery_timeout_and_never_overflows() -> None:
    assert BreakerPolicy(recovery_timeout_s=900, max_break_s=600).break_s(0) == 900
    assert BreakerPolicy().break_s(100_000) == 600
