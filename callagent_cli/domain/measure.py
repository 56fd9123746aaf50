"""What is measured of a service's requests, and when its breaker changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ServiceMeasure:
    """Requests of one run to one service for one purpose."""

    service: str
    operation: str
    requests: int
    failures: int
    retries: int  # of the requests, those that repeated one
    latency_ms: Mapping[str, int]  # `<=50` → requests that took so long, and longer than `<=20`
    total_ms: float  # of all requests, those that failed too


@dataclass(frozen=True, slots=True)
class BreakerChange:
    run_id: str
    service: str
    at: datetime
    state: str  # in which the breaker is from then on
    reason: str
