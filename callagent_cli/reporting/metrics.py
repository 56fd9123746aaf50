"""What happened so far, as metrics in Prometheus' text format.

Counters go on from run to run: what earlier runs did and measured is in the ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from callagent_cli import __version__
from callagent_cli.domain.call import OPEN_STATES, Disposition
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.measure import ServiceMeasure
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.ledger.records import RunRow
from callagent_cli.reporting.services import by_service, classes_of
from callagent_cli.resilience.meter import BOUNDS_MS


@dataclass(frozen=True, slots=True)
class CampaignNow:
    campaign: str
    contacts: Mapping[str, int]  # by state
    calls: Mapping[str, int]  # that ended, by disposition
    open_attempts: Mapping[str, int]  # by state
    cost_usd: float
    last_run: RunRow | None  # that said how it ended
    began_at: datetime | None = None  # of the run that is on


@dataclass(frozen=True, slots=True)
class Metrics:
    """measures: of every run. breakers: service → state. owed, dead: destination → messages."""

    provider: str
    campaigns: Sequence[CampaignNow]
    measures: Sequence[ServiceMeasure]
    breakers: Mapping[str, str]
    owed: Mapping[str, int]
    dead: Mapping[str, int]


def metrics_text(metrics: Metrics) -> bytes:
    return generate_latest(_Families(metrics))


class _Families(Collector):
    """What Prometheus' library asks for the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        told = self._metrics
        about = _gauge("info", "1, with what wrote this file", "version", "provider")
        about.add_metric([__version__, told.provider], 1)
        yield about
        yield from _of_calls(told.campaigns)
        yield from _of_runs(told.campaigns)
        yield from _of_services(by_service(told.measures))
        yield _of_breakers(told.breakers)
        yield _by_destination("owed", "Messages not delivered yet", told.owed)
        yield _by_destination("dead", "Messages that were given up", told.dead)


def _of_calls(campaigns: Sequence[CampaignNow]) -> Iterator[Metric]:
    calls = _counter("calls", "Calls that ended", "campaign", "disposition")
    cost = _counter("cost_usd", "What calls cost, by the provider", "campaign")
    contacts = _gauge("contacts", "Contacts by where they stand", "campaign", "state")
    attempts = _gauge("open_attempts", "Attempts that are not over", "campaign", "state")
    for one in campaigns:
        cost.add_metric([one.campaign], one.cost_usd)
        for found, states, counts in (
            (calls, Disposition, one.calls),
            (contacts, ContactState, one.contacts),
            (attempts, sorted(OPEN_STATES), one.open_attempts),
        ):
            _add_states(found, one.campaign, states, counts)
    yield from (calls, cost, contacts, attempts)


def _of_runs(campaigns: Sequence[CampaignNow]) -> Iterator[Metric]:
    active = _gauge("run_active", "1 while a run is on", "campaign")
    began = _gauge("run_start_timestamp_seconds", "When the latest run began", "campaign")
    ended = _gauge("last_run_end_timestamp_seconds", "When the last run ended", "campaign")
    status = _gauge("last_run_exit_status", "How the last run ended", "campaign")
    for one in campaigns:
        last, labels = one.last_run, [one.campaign]
        active.add_metric(labels, one.began_at is not None)
        if began_at := one.began_at or (last.started_at if last else None):
            began.add_metric(labels, began_at.timestamp())
        if last and last.ended_at and last.exit_status is not None:
            ended.add_metric(labels, last.ended_at.timestamp())
            status.add_metric(labels, last.exit_status)
    yield from (active, began, ended, status)


def _of_services(measures: Mapping[str, Sequence[ServiceMeasure]]) -> Iterator[Metric]:
    requests = _counter("requests", "Requests, repeated ones too", "service")
    failures = _counter("request_failures", "Requests that failed", "service")
    retries = _counter("request_retries", "Requests that repeated one", "service")
    latency = HistogramMetricFamily(
        "callagent_request_seconds", "How long requests took", labels=["service"]
    )
    for service, of_it in measures.items():
        requests.add_metric([service], sum(measure.requests for measure in of_it))
        failures.add_metric([service], sum(measure.failures for measure in of_it))
        retries.add_metric([service], sum(measure.retries for measure in of_it))
        total_s = sum(measure.total_ms for measure in of_it) / 1000
        latency.add_metric([service], buckets=_buckets(of_it), sum_value=total_s)
    yield from (requests, failures, retries, latency)


def _buckets(measures: Iterable[ServiceMeasure]) -> list[tuple[str, float]]:
    """Each bound in seconds, with the requests that took no longer."""
    found = dict(classes_of(measures))
    buckets, n = list[tuple[str, float]](), 0
    for bound_ms in sorted({*BOUNDS_MS, *(bound for bound in found if bound is not None)}):
        n += found.get(bound_ms, 0)
        buckets.append((f"{bound_ms / 1000:g}", n))
    return [*buckets, ("+Inf", n + found.get(None, 0))]


def _of_breakers(breakers: Mapping[str, str]) -> Metric:
    states = _gauge("breaker_state", "1 for the state of a service's breaker", "service", "state")
    for service, state in breakers.items():
        _add_states(states, service, BreakerState, {state: 1})
    return states


def _by_destination(name: str, about: str, counts: Mapping[str, int]) -> Metric:
    messages = _gauge(f"messages_{name}", about, "destination")
    for destination, n in counts.items():
        messages.add_metric([destination], n)
    return messages


def _add_states(
    found: CounterMetricFamily | GaugeMetricFamily,
    of: str,
    states: Iterable[StrEnum],
    counts: Mapping[str, int],
) -> None:
    """Every state there is: a series that comes and goes cannot be counted with."""
    for state in states:
        found.add_metric([of, state.value], counts.get(state, 0))


def _counter(name: str, about: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"callagent_{name}", about, labels=labels)


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"callagent_{name}", about, labels=labels)
