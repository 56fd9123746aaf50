"""What a run measures of itself, handed on at its heartbeats and at its end: to the ledger, and
to the metrics file where there is one.

Called by: the session. Invariant: a transaction a heartbeat, never one a request; what cannot
be kept now is kept with the next, and no call waits for it or ends by it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import Emit, Event, EventName
from callagent_cli.domain.measure import BreakerChange, ServiceMeasure

_BREAKER_EVENTS = frozenset(
    {EventName.BREAKER_OPENED, EventName.BREAKER_HALF_OPENED, EventName.BREAKER_CLOSED}
)
_PUBLISH_S = 10.0  # real seconds: simulated time may fly, disks do not


@dataclass(frozen=True, slots=True)
class RunNow:
    """A run as far as it is. ended_at: None while it is on."""

    campaign: str
    run_id: str
    began_at: datetime
    measures: Sequence[ServiceMeasure]  # of this run
    breakers: Mapping[str, str]  # service → state
    ended_at: datetime | None = None
    exit_status: int | None = None


class Measured(Protocol):
    """A guard."""

    service: str

    def measures(self) -> list[ServiceMeasure]: ...

    @property
    def state(self) -> str:
        """Of its breaker."""
        ...


class MeasureKeeper(Protocol):
    """The ledger."""

    def keep_measures(
        self,
        campaign: str,
        run_id: str,
        measures: Sequence[ServiceMeasure],
        changes: Sequence[BreakerChange],
    ) -> None:
        """Raises LedgerError."""
        ...


class Telemetry:
    """A Listener, for the breakers' changes.

    guards: of every service. publish: writes the metrics file; may raise OSError and LedgerError.
    """

    def __init__(
        self,
        campaign: str,
        run_id: str,
        *,
        guards: Sequence[Measured],
        ledger: MeasureKeeper,
        clock: Clock,
        emit: Emit,
        publish: Callable[[RunNow], None] | None = None,
    ) -> None:
        self._campaign, self._run_id, self._ledger = campaign, run_id, ledger
        self._guards, self._clock, self._emit, self._publish = guards, clock, emit, publish
        self._began_at = clock.now()
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self._changes: list[BreakerChange] = []  # not yet in the ledger
        self._kept: Sequence[ServiceMeasure] = ()
        self._publish_again_at = 0.0
        self.problem = ""  # what became of the metrics file, for the closing summary

    def __call__(self, event: Event) -> None:
        if event.name in _BREAKER_EVENTS:
            change = BreakerChange(
                run_id=self._run_id,
                service=str(event.fields.get("service", "")),
                at=event.at,
                state=str(event.fields.get("breaker_state", "")),
                reason=str(event.fields.get("error", "")),
            )
            with self._lock:
                self._changes.append(change)

    def keep(self) -> None:
        """Never raises."""
        with self._keeping:
            self._keep(self._measures())
            if time.perf_counter() >= self._publish_again_at:
                self._tell(None)
                self._publish_again_at = time.perf_counter() + _PUBLISH_S

    def end(self, exit_status: int) -> None:
        """The last one; never raises."""
        with self._keeping:
            self._keep(self._measures())
            self._tell(exit_status)
            self._publish = None

    def _measures(self) -> list[ServiceMeasure]:
        return [measure for guard in self._guards for measure in guard.measures()]

    def _keep(self, measures: Sequence[ServiceMeasure]) -> None:
        with self._lock:
            changes = tuple(self._changes)
        if not changes and measures == self._kept:
            return
        with suppress(LedgerError):
            self._ledger.keep_measures(self._campaign, self._run_id, measures, changes)
            self._kept = measures
            with self._lock:
                del self._changes[: len(changes)]

    def _tell(self, exit_status: int | None) -> None:
        if self._publish is None:
            return
        now = RunNow(
            self._campaign,
            self._run_id,
            self._began_at,
            self._measures(),
            {guard.service: guard.state for guard in self._guards},
            None if exit_status is None else self._clock.now(),
            exit_status,
        )
        try:
            self._publish(now)
        except (OSError, LedgerError, ValueError) as error:
            self._lament(error)

    def _lament(self, error: Exception) -> None:
        """Once: the next heartbeat tries again."""
        if self.problem:
            return
        self.problem = f"the metrics_file cannot be written: {_words(error)}"
        self._emit(EventName.METRICS_FAILED, error=self.problem)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
