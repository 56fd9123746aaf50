"""Where the requests to one service come in: counted, met by the fault plan, noted.

What a service has taken is noted too, with the key by which a double shows: the simulation is
judged by these records, not by what the program says of itself.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator.exchange import WorldAnswer, spoilt
from callagent_cli.simulator.faults import FaultKind, FaultPlan


@dataclass(frozen=True, slots=True)
class Visit:
    """One request."""

    at: datetime
    line: str  # method and path; of mail, the command
    is_work: bool  # what the service is there for; not a health check
    fault: FaultKind | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that a service took and keeps."""

    at: datetime
    service: str
    kind: str  # as the service names it: call, properties, row, message …
    key: str  # the same thing again has the same key


class Reception:
    """faults: of all services, times from now on. Thread-safe: one request at a time."""

    def __init__(self, service: str, clock: Clock, faults: FaultPlan | None = None) -> None:
        self.service, self.clock = service, clock
        self.visits: list[Visit] = []
        self.arrivals: list[Arrival] = []
        self._faults, self._began_s = faults or FaultPlan(), clock.monotonic()
        self._works = 0
        self._lock = threading.RLock()

    def serve(
        self,
        line: str,
        *,
        is_work: bool,
        refusals: Mapping[FaultKind, WorldAnswer],
        answer: Callable[[], WorldAnswer],
    ) -> WorldAnswer:
        """refusals: what the service says instead of doing anything. Raises AnswerLost."""
        with self._lock:
            fault = self.meet(line, is_work=is_work)
            given = refusals.get(fault) if fault else None
            return spoilt(given or answer(), fault)

    def meet(self, line: str, *, is_work: bool) -> FaultKind | None:
        """Note a request, and see what goes wrong with it."""
        with self._lock:
            self._works += is_work
            fault = self._faults.meets(
                self.service,
                self.clock.monotonic() - self._began_s,
                dial_no=self._works if is_work else None,
                request_no=len(self.visits) + 1,
            )
            self.visits.append(Visit(self.clock.now(), line, is_work, fault))
            return fault

    def keep(self, kind: str, key: str) -> None:
        """Note what was taken."""
        with self._lock:
            self.arrivals.append(Arrival(self.clock.now(), self.service, kind, key))

    def keys(self, kind: str) -> list[str]:
        """Of what was taken, in order."""
        with self._lock:
            return [arrival.key for arrival in self.arrivals if arrival.kind == kind]
