"""What is measured of a service's requests, and when its breaker changed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ServiceMeasure:
    """Requests to one service for one purpose, of one run."""

    service: str
    operation: str
    requests: int
    failures: int
    retries: int  # of the requests, those that repeated one
    latency_ms: Mapping[str, int]  # `<=50` → requests that took so long, and longer than `<=20`
    total_ms: float  # of all requests, those that failed too

    def __add__(self, other: "ServiceMeasure") -> "ServiceMeasure":
        """Of two runs."""
        return replace(
            self,
            requests=self.requests + other.requests,
            failures=self.failures + other.failures,
            retries=self.retries + other.retries,
            latency_ms=Counter(self.latency_ms) + Counter(other.latency_ms),
            total_ms=self.total_ms + other.total_ms,
        )


def summed(measures: Iterable[ServiceMeasure]) -> list[ServiceMeasure]:
    """One for each service and operation."""
    sums: dict[tuple[str, str], ServiceMeasure] = {}
    for measure in measures:
        key = measure.service, measure.operation
        sums[key] = sums[key] + measure if key in sums else measure
    return list(sums.values())


@dataclass(frozen=True, slots=True)
class BreakerChange:
    run_id: str
    service: str
    at: datetime
    state: str  # in which the breaker is from then on
    reason: str
