"""Requests, latency and breakers of services, from what runs measured."""

from datetime import UTC, datetime, timedelta

from callagent_cli.domain.measure import BreakerChange, ServiceMeasure
from callagent_cli.ledger.records import RunRow
from callagent_cli.reporting.figures import BreakerSpan, LatencyClass
from callagent_cli.reporting.services import latency_of, services_of, spans_of

BEGAN = datetime(2026, 3, 2, 14, tzinfo=UTC)


def measure(service: str, latency_ms: dict[str, int], total_ms: float) -> ServiceMeasure:
    n = sum(latency_ms.values())
    return ServiceMeasure(service, "dial", n, 1, 2, latency_ms, total_ms)


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def run(no: int, begin: float, end: float) -> RunRow:
    return RunRow(f"run_{no}", at(begin), at(end), at(end), 0)


def change(no: int, minutes: float, state: str) -> BreakerChange:
    return BreakerChange(f"run_{no}", "crm", at(minutes), state, "503")


def test_the_slowest_service_comes_first_with_all_its_operations() -> None:
    quick = measure("crm", {"<=50": 9, "<=100": 1}, 400.0)
    slow = [measure("llm", {"<=1000": 4, ">5000": 1}, 9_000.0), measure("llm", {}, 0.0)]
    first, second = services_of([quick, *slow])
    assert (first.service, second.service) == ("llm", "crm")
    assert (first.requests, first.failures, first.retries) == (5, 2, 4)
    assert (first.mean_ms, first.p50_ms, first.p95_ms) == (1_800.0, 1_000.0, None)
    assert (second.mean_ms, second.p50_ms, second.p95_ms) == (40.0, 50.0, 100.0)


def test_a_service_that_was_never_asked_is_not_told() -> None:
    assert services_of([measure("crm", {}, 0.0)]) == []


def test_latency_has_no_empty_classes_at_its_ends() -> None:
    found = latency_of([measure("crm", {"<=25": 0, "<=50": 3, "<=100": 0, ">100": 2}, 1.0)])
    assert found == [
        LatencyClass("crm", 50.0, 3),
        LatencyClass("crm", 100.0, 0),
        LatencyClass("crm", None, 2),
    ]


def test_a_breaker_is_closed_until_it_changes_and_what_it_was_ends_with_the_run() -> None:
    changes = [change(1, 5, "open"), change(1, 7, "half_open"), change(1, 8, "open")]
    assert spans_of(changes, [run(1, 0, 10), run(2, 60, 61)], []) == [
        BreakerSpan("crm", "closed", at(0), at(5), ""),
        BreakerSpan("crm", "open", at(5), at(7), "503"),
        BreakerSpan("crm", "half_open", at(7), at(8), "503"),
        BreakerSpan("crm", "open", at(8), at(10), "503"),
        BreakerSpan("crm", "closed", at(60), at(61), ""),
    ]


def test_runs_in_which_nothing_happened_are_one_line() -> None:
    runs = [run(no, no * 5, no * 5 + 1) for no in range(1_000)]
    assert spans_of([], runs, ["crm"]) == [BreakerSpan("crm", "closed", at(0), at(4_996), "")]


def test_a_change_after_the_last_sign_of_life_is_shown_all_the_same() -> None:
    *_, last = spans_of([change(1, 5, "open"), change(1, 12, "closed")], [run(1, 0, 10)], [])
    assert last == BreakerSpan("crm", "open", at(5), at(12), "503")


def test_a_service_that_never_failed_has_its_line_too() -> None:
    assert spans_of([], [run(1, 0, 10)], ["llm"]) == [
        BreakerSpan("llm", "closed", at(0), at(10), "")
    ]
