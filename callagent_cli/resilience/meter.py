"""Counts and times the requests to one service: microseconds a request, a few numbers in all."""

import threading
from bisect import bisect_left

from callagent_cli.domain.measure import ServiceMeasure

BOUNDS_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000)
_NAMES = (*(f"<={bound}" for bound in BOUNDS_MS), f">{BOUNDS_MS[-1]}")


class _Row:
    __slots__ = ("classes", "failures", "requests", "retries", "total_ms")

    def __init__(self) -> None:
        self.requests = self.failures = self.retries = 0
        self.total_ms = 0.0
        self.classes = [0] * len(_NAMES)


class Meter:
    """Thread-safe."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}

    def count(self, operation: str, elapsed_ms: float, *, is_retry: bool, is_failed: bool) -> None:
        """One request that is over. is_failed: it ended by an error of the service."""
        place = bisect_left(BOUNDS_MS, elapsed_ms)
        with self._lock:
            row = self._rows.get(operation) or self._rows.setdefault(operation, _Row())
            row.requests += 1
            row.failures += is_failed
            row.retries += is_retry
            row.total_ms += elapsed_ms
            row.classes[place] += 1

    def read(self) -> list[ServiceMeasure]:
        """So far, by operation; classes in which nothing fell are left out."""
        with self._lock:
            return [
                ServiceMeasure(
                    service=self._service,
                    operation=operation,
                    requests=row.requests,
                    failures=row.failures,
                    retries=row.retries,
                    latency_ms={name: n for name, n in zip(_NAMES, row.classes, strict=True) if n},
                    total_ms=round(row.total_ms, 3),
                )
                for operation, row in self._rows.items()
            ]
