"""What a guard measures of its service."""

from collections.abc import Callable
from typing import Any

import pytest

from callagent_cli.domain.errors import TransientError
from callagent_cli.resilience.meter import BOUNDS_MS, Meter
from tests.support.hand_clock import HandClock
from tests.support.service_errors import transient

Make = Callable[..., Any]


def test_each_request_falls_into_the_narrowest_class_that_holds_it() -> None:
    meter = Meter("crm")
    for elapsed_ms in (0.0, 5.0, 5.001, 120_000.0, 120_000.1):
        meter.count("find", elapsed_ms, is_retry=False, is_failed=False)
    (row,) = meter.read()
    assert row.latency_ms == {"<=5": 2, "<=10": 1, "<=120000": 1, ">120000": 1}
    assert sum(row.latency_ms.values()) == row.requests == 5
    assert row.total_ms == pytest.approx(240_010.101)


def test_bounds_rise() -> None:
    assert list(BOUNDS_MS) == sorted(set(BOUNDS_MS))


def test_a_guard_counts_tries_failures_and_retries_by_operation(
    make_guard: Make, service: Make, clock: HandClock
) -> None:
    guard = make_guard()
    assert guard.measures() == []
    guard.call(service(transient(), transient(), "ok"), operation="dial")
    with pytest.raises(TransientError):
        guard.call(service(transient()), operation="read", retries=0)
    dial, read = guard.measures()
    assert (dial.operation, dial.requests, dial.failures, dial.retries) == ("dial", 3, 2, 2)
    assert (read.operation, read.requests, read.failures, read.retries) == ("read", 1, 1, 0)


def test_a_request_that_takes_long_is_timed(make_guard: Make, clock: HandClock) -> None:
    guard = make_guard()

    def slow() -> str:
        clock.advance(0.7)
        return "ok"

    guard.call(slow, operation="read")
    (row,) = guard.measures()
    assert row.latency_ms == {"<=1000": 1}
    assert row.total_ms == pytest.approx(700)
