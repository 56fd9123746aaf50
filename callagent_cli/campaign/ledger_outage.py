"""An outage of the ledger's own server, as one process of a fleet lives through it.

What is owed to people stands in the ledger, so this is the one outage that it can owe to nobody:
each process tells it straight. The one that led tells first, so that it is told once; the others
cannot ask whether it did, and tell only when it has lasted for long: the host that died with the
server may be the leader's.
"""

import threading

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.event import Emit, EventName

TOLD_AFTER_S = 30.0  # a restart is no news
TOLD_BY_OTHERS_AFTER_S = 600.0


class LedgerOutage:
    """Thread-safe."""

    def __init__(self, clock: Clock, emit: Emit) -> None:
        self._clock, self._emit = clock, emit
        self._lock = threading.Lock()
        self._since_s: float | None = None
        self._error = ""
        self._is_told = False
        self._has_led = False

    def lost(self, error: str) -> None:
        """Said whenever it is noticed; heard the first time."""
        with self._lock:
            if self._since_s is not None:
                return
            self._since_s, self._error = self._clock.monotonic(), error
        self._emit(EventName.LEDGER_LOST, error=error)

    def found(self, *, leads: bool) -> None:
        """It answers. leads: whether this process leads now."""
        with self._lock:
            since_s, self._since_s = self._since_s, None
            self._is_told, self._has_led = False, leads
        if since_s is not None:
            elapsed_ms = round(1000 * (self._clock.monotonic() - since_s))
            self._emit(EventName.LEDGER_FOUND, elapsed_ms=elapsed_ms)

    def missed(self) -> None:
        """Tell of it, when its time has come: once."""
        with self._lock:
            if self._since_s is None or self._is_told:
                return
            patience_s = TOLD_AFTER_S if self._has_led else TOLD_BY_OTHERS_AFTER_S
            lasted_s = self._clock.monotonic() - self._since_s
            if lasted_s < patience_s:
                return
            self._is_told, error = True, self._error
        self._emit(EventName.LEDGER_MISSED, error=error, elapsed_ms=round(1000 * lasted_s))
