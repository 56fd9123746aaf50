"""How the services did: requests, latency, and the states of their breakers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.measure import BreakerChange, ServiceMeasure
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import RunRow
from callagent_cli.reporting.figures import BreakerSpan, LatencyClass, ServiceFigures

_Bound = float | None  # milliseconds; None: longer than every bound


def services_of(measures: Iterable[ServiceMeasure]) -> list[ServiceFigures]:
    """Slowest first: by the mean; those of which no time is known come last."""
    found = [
        _figures(service, of_it)
        for service, of_it in by_service(measures).items()
        if any(measure.requests for measure in of_it)
    ]
    return sorted(found, key=lambda row: (-(row.mean_ms or 0.0), row.service))


def latency_of(measures: Iterable[ServiceMeasure]) -> list[LatencyClass]:
    """Each service's classes, from its quickest that occurs to its slowest, without gaps."""
    return [
        LatencyClass(service, bound, n)
        for service, of_it in by_service(measures).items()
        for bound, n in _trimmed(classes_of(of_it))
    ]


def spans_of(
    changes: Sequence[BreakerChange], runs: Iterable[RunRow], services: Iterable[str]
) -> list[BreakerSpan]:
    """Every service's breaker: closed at each run's start, then as it changed. A state other
    than closed ends with its run; between runs nobody asks anything."""
    named = sorted({*services, *(change.service for change in changes)})
    of_run: dict[tuple[str, str], list[BreakerChange]] = {}
    for change in changes:
        of_run.setdefault((change.run_id, change.service), []).append(change)
    return [
        span
        for service in named
        for span in _merged(
            each
            for run in runs
            for each in _spans(service, run, of_run.get((run.run_id, service), ()))
        )
    ]


def _merged(spans: Iterable[BreakerSpan]) -> Iterator[BreakerSpan]:
    """Closed in one run and closed in the next is one span: cron may start thousands."""
    last: BreakerSpan | None = None
    for span in spans:
        if last is None:
            last = span
        elif last.state == span.state == BreakerState.CLOSED:
            last = replace(last, ends_at=span.ends_at)
        else:
            yield last
            last = span
    if last is not None:
        yield last


def _spans(service: str, run: RunRow, changes: Iterable[BreakerChange]) -> list[BreakerSpan]:
    marks = [(run.started_at, BreakerState.CLOSED.value, "")]
    for change in changes:
        marks.append((change.at, change.state, mask_phones(one_line(change.reason))))
    marks.append((max(run.seen_at, marks[-1][0]), "", ""))
    return [
        BreakerSpan(service, state, began, ended, reason)
        for (began, state, reason), (ended, _, _) in pairwise(marks)
        if ended > began
    ]


def by_service(measures: Iterable[ServiceMeasure]) -> dict[str, list[ServiceMeasure]]:
    found: dict[str, list[ServiceMeasure]] = {}
    for measure in measures:
        found.setdefault(measure.service, []).append(measure)
    return dict(sorted(found.items()))


def _figures(service: str, measures: Sequence[ServiceMeasure]) -> ServiceFigures:
    classes = classes_of(measures)
    timed = sum(n for _, n in classes)
    total_ms = sum(measure.total_ms for measure in measures)
    return ServiceFigures(
        service=service,
        requests=sum(measure.requests for measure in measures),
        failures=sum(measure.failures for measure in measures),
        retries=sum(measure.retries for measure in measures),
        mean_ms=round(total_ms / timed, 1) if timed else None,
        p50_ms=_quantile(classes, 0.5),
        p95_ms=_quantile(classes, 0.95),
    )


def classes_of(measures: Iterable[ServiceMeasure]) -> list[tuple[_Bound, int]]:
    counted: Counter[_Bound] = Counter()
    for measure in measures:
        counted.update(_bounds(measure.latency_ms))
    return sorted(counted.items(), key=lambda item: (item[0] is None, item[0] or 0.0))


def _bounds(latency_ms: Mapping[str, int]) -> dict[_Bound, int]:
    """`{"<=50": 3, ">10000": 1}` with the bounds as numbers."""
    return {
        float(name.removeprefix("<=")) if name.startswith("<=") else None: n
        for name, n in latency_ms.items()
    }


def _trimmed(classes: Sequence[tuple[_Bound, int]]) -> Sequence[tuple[_Bound, int]]:
    occur = [place for place, (_, n) in enumerate(classes) if n]
    return classes[occur[0] : occur[-1] + 1] if occur else ()


def _quantile(classes: Sequence[tuple[_Bound, int]], share: float) -> _Bound:
    """The bound of the class in which so large a share of the requests is reached."""
    left = share * sum(n for _, n in classes)
    for bound, n in classes:
        left -= n
        if left <= 0 and n:
            return bound
    return None
