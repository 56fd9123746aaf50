"""What a run measures of the services, handed to the ledger at its heartbeats and at its end.

Called by: the session. Invariant: a transaction a heartbeat, never one a request; what cannot
be kept now is kept with the next, and no call waits for it or ends by it.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import Event, EventName
from callagent_cli.domain.measure import BreakerChange, ServiceMeasure

_BREAKER_EVENTS = frozenset(
    {EventName.BREAKER_OPENED, EventName.BREAKER_HALF_OPENED, EventName.BREAKER_CLOSED}
)


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
    """A Listener, for the breakers' changes. measured: all that the run has measured so far."""

    def __init__(
        self,
        campaign: str,
        run_id: str,
        ledger: MeasureKeeper,
        measured: Callable[[], Sequence[ServiceMeasure]],
    ) -> None:
        self._campaign, self._run_id, self._ledger = campaign, run_id, ledger
        self._measured = measured
        self._lock, self._keeping = threading.Lock(), threading.Lock()
        self._changes: list[BreakerChange] = []  # not yet in the ledger
        self._kept: Sequence[ServiceMeasure] = ()

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
            measures = self._measured()
            with self._lock:
                changes = tuple(self._changes)
            if not changes and measures == self._kept:
                return
            with suppress(LedgerError):
                self._ledger.keep_measures(self._campaign, self._run_id, measures, changes)
                self._kept = measures
                with self._lock:
                    del self._changes[: len(changes)]
