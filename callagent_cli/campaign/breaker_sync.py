"""Breakers that a fleet has in common: what one process finds out, all know within a second.

Opening is anybody's to tell. Only the leader probes, so only its breaker comes to a trial, and
closing is its to tell. A Listener; the ledger is asked by a background task, never by a call.
"""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import Event, EventName
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.shared_breakers import SharedBreaker

_EVERY_S = 0.5
_HEARD = (EventName.BREAKER_OPENED, EventName.BREAKER_CLOSED)


class SharedByAll(Protocol):
    """A breaker."""

    service: str

    @property
    def state(self) -> BreakerState: ...
    def heed_opening(self, error: str) -> None: ...
    def heed_closing(self) -> None: ...
    def force_open(self, reason: str) -> None: ...


class BreakerSync:
    def __init__(
        self,
        breakers: Sequence[SharedByAll],
        fleet: Fleet,
        run_id: str,
        *,
        clock: Clock,
        over: Signal,
    ) -> None:
        self._breakers = {breaker.service: breaker for breaker in breakers}
        self._fleet, self._run_id, self._over = fleet, run_id, over
        self._news = clock.signal()
        self._lock = threading.Lock()
        self._untold: deque[tuple[str, str, str]] = deque()  # service, state, error
        self._epochs: dict[str, int] = {}
        self._echoes: set[tuple[str, str]] = set()  # service, state: told us by the others

    def __call__(self, event: Event) -> None:
        if event.name not in _HEARD or event.fields.get("is_held"):
            return
        said = (
            str(event.fields.get("service", "")),
            str(event.fields.get("breaker_state", "")),
            str(event.fields.get("error", "")),
        )
        with self._lock:
            if said[:2] in self._echoes:  # it came from the others
                self._echoes.discard(said[:2])
                return
            self._untold.append(said)
        self._news.set()

    def run(self) -> None:
        """The body of a background task; ends with the run."""
        while not self._over.is_set():
            self._news.clear()
            with suppress(LedgerError):  # at the next beat, then
                self.agree()
            self._news.wait(_EVERY_S)

    def agree(self) -> None:
        """Tell what was found out here, then heed what the others did. Raises LedgerError."""
        while (said := self._next_untold()) is not None:
            service, state, error = said
            known = self._epochs.get(service, 0)
            epoch = self._fleet.change_breaker(service, known, state, error, self._run_id)
            with self._lock:
                self._untold.popleft()
            if epoch is not None:
                self._epochs[service] = epoch
        for shared in self._fleet.shared_breakers().values():
            self._heed(shared)

    def _next_untold(self) -> tuple[str, str, str] | None:
        with self._lock:
            return self._untold[0] if self._untold else None

    def _heed(self, shared: SharedBreaker) -> None:
        breaker = self._breakers.get(shared.service)
        if breaker is None or shared.epoch <= self._epochs.get(shared.service, 0):
            return
        self._epochs[shared.service] = shared.epoch
        before, echo = breaker.state, (shared.service, shared.state)
        with self._lock:
            self._echoes.add(echo)
        match shared.state:
            case BreakerState.OPEN:
                breaker.heed_opening(shared.error)
            case BreakerState.FORCED_OPEN:
                breaker.force_open(shared.error)
            case _:
                breaker.heed_closing()
        if breaker.state is before:  # nothing new here: no event comes of it
            with self._lock:
                self._echoes.discard(echo)
