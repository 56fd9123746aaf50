"""The waits of a retry policy, as arithmetic and as made."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callagent_cli.domain.errors import TransientError
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.retry import RetryBudget, RetryPolicy
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.service_errors import transient

policies = st.builds(
    RetryPolicy,
    initial_delay_s=st.floats(0.01, 1_000),
    backoff_factor=st.floats(1, 10),
    max_attempts=st.integers(0, 12),
    max_delay_s=st.floats(0.01, 5_000),
)


def waits_made(
    policy: RetryPolicy, error: Callable[[], TransientError] = transient
) -> list[float]:
    """Let every request fail, and measure the time between them."""
    clock = HandClock()
    log = EventLog(clock)
    breaker_policy = BreakerPolicy(failure_threshold=1_000)
    guard = Guard(
        "voice",
        retry=policy,
        breaker=Breaker("voice", breaker_policy, clock=clock, emit=log, has_probe=False),
        clock=clock,
        stop=clock.signal(),
        emit=log,
    )
    asked_at_s: list[float] = []

    def request() -> None:
        asked_at_s.append(clock.monotonic())
        raise error()

    with pytest.raises(TransientError):
        guard.call(request, operation="read")
    return [after - before for before, after in pairwise(asked_at_s)]


def test_default_schedule_is_5_10_20() -> None:
    assert RetryPolicy().delays() == (5.0, 10.0, 20.0)


@given(policies)
@settings(deadline=None)
def test_schedule_starts_at_the_initial_delay_grows_and_is_capped(policy: RetryPolicy) -> None:
    delays = policy.delays()
    assert len(delays) == policy.max_attempts
    assert list(delays[:1]) == [min(policy.initial_delay_s, policy.max_delay_s)][: len(delays)]
    assert list(delays) == sorted(delays)
    assert all(delay <= policy.max_delay_s for delay in delays)
    for before, after in pairwise(delays):
        expected = min(before * policy.backoff_factor, policy.max_delay_s)
        assert math.isclose(after, expected, rel_tol=1e-9)


@given(policies)
@settings(deadline=None)
def test_waits_made_are_the_schedule_shown(policy: RetryPolicy) -> None:
    made = waits_made(policy)
    assert made == pytest.approx(policy.delays(), rel=1e-9, abs=1e-6)
    assert sum(made) == pytest.approx(sum(policy.delays()))


@given(jitter_s=st.floats(0, 30))
@settings(deadline=None)
def test_jitter_only_lengthens_a_wait_and_by_no_more_than_itself(jitter_s: float) -> None:
    made = waits_made(RetryPolicy(jitter_s=jitter_s))
    for wait, planned in zip(made, RetryPolicy().delays(), strict=True):
        assert planned - 1e-6 <= wait <= planned + jitter_s + 1e-6


@given(asked_s=st.floats(-10, 60))
@settings(deadline=None)
def test_retry_after_lengthens_a_wait_and_never_shortens_it(asked_s: float) -> None:
    made = waits_made(RetryPolicy(), lambda: transient(retry_after_s=asked_s))
    assert made == pytest.approx([max(planned, asked_s) for planned in (5, 10, 20)])


@pytest.mark.parametrize("asked_s", [60.5, 3600.0, math.inf])
def test_retry_after_beyond_the_cap_ends_the_operation_without_a_wait(asked_s: float) -> None:
    assert waits_made(RetryPolicy(), lambda: transient(retry_after_s=asked_s)) == []


def test_retry_after_that_is_not_a_number_leaves_the_schedule() -> None:
    error: Callable[[], TransientError] = lambda: transient(retry_after_s=math.nan)  # noqa: E731
    assert waits_made(RetryPolicy(), error) == [5.0, 10.0, 20.0]


def test_no_retries_means_one_request() -> None:
    assert RetryPolicy(max_attempts=0).delays() == ()
    assert waits_made(RetryPolicy(max_attempts=0)) == []


def test_schedule_that_overflows_a_float_stays_at_its_cap() -> None:
    policy = RetryPolicy(backoff_factor=1e300, max_attempts=5)
    assert policy.delays() == (5.0, 60.0, 60.0, 60.0, 60.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"initial_delay_s": -1.0},
        {"max_delay_s": math.inf},
        {"jitter_s": math.nan},
        {"backoff_factor": 0.5},
        {"backoff_factor": math.nan},
        {"max_attempts": -1},
    ],
)
def test_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]


def test_budget_pays_for_its_capacity_and_ten_successes_earn_one_more() -> None:
    budget = RetryBudget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(9):
        budget.refund()
    assert not budget.spend()
    budget.refund()
    budget.refund()  # ten tenths of a float fall short of one
    assert budget.spend()
    for _ in range(100):
        budget.refund()
    assert [budget.spend() for _ in range(3)] == [True, True, False]
