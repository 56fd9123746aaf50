"""Breakers that a fleet has in common: what one process finds out, all know within a second.

Opening is anybody's to tell, and so is the first real answer after it, which ends the incident
for all. Only the leader probes, so only its breaker comes to a trial, and closing is its to tell.
A Listener; the ledger is asked by a background task, never by a call.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import PROOFS, Event, EventName
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.shared_breakers import PROVEN, SharedBreaker

_EVERY_S = 0.5
_CHANGES = (EventName.BREAKER_OPENED, EventName.BREAKER_CLOSED)


class SharedByAll(Protocol):
    """A breaker."""

    service: str

    @property
    def state(self) -> BreakerState: ...
    def heed_opening(self, error: str) -> None: ...
    def heed_closing(self) -> None: ...
    def heed_proof(self) -> None: ...
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
        on_proof: Callable[[str], None],
    ) -> None:
        """on_proof: told of a service that has answered another process, the first since it was
        down."""
        self._breakers = {breaker.service: breaker for breaker in breakers}
        self._fleet, self._run_id, self._over = fleet, run_id, over
        self._on_proof, self._news = on_proof, clock.signal()
        self._lock = threading.Lock()
        self._untold: deque[tuple[str, str, str]] = deque()  # service, state, error
        self._epochs: dict[str, int] = {}
        self._echoes: set[tuple[str, str]] = set()  # service, state: told us by the others
        self._unproven: set[str] = set()  # closed, and nobody has had a real answer yet

    def __call__(self, event: Event) -> None:
        service = str(event.fields.get("service", ""))
        if event.name in PROOFS:
            self._hear_proof(service)
        elif event.name in _CHANGES and not event.fields.get("is_held"):
            state = str(event.fields.get("breaker_state", ""))
            self._hear_change(service, state, str(event.fields.get("error", "")))

    def _hear_proof(self, service: str) -> None:
        with self._lock:
            if service not in self._unproven:
                return
            self._unproven.discard(service)
            self._untold.append((service, PROVEN, ""))
        self._news.set()

    def _hear_change(self, service: str, state: str, error: str) -> None:
        with self._lock:
            if (service, state) in self._echoes:  # it came from the others
                self._echoes.discard((service, state))
                return
            self._note_probation(service, state)
            self._untold.append((service, state, error))
        self._news.set()

    def _note_probation(self, service: str, state: str) -> None:
        if state == BreakerState.CLOSED:
            self._unproven.add(service)
        else:
            self._unproven.discard(service)

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
        before = breaker.state
        echo = (shared.service, BreakerState.CLOSED.value if shared.is_proven else shared.state)
        with self._lock:
            self._note_probation(shared.service, shared.state)
            self._echoes.add(echo)
        match shared.state:
            case BreakerState.OPEN:
                breaker.heed_opening(shared.error)
            case BreakerState.FORCED_OPEN:
                breaker.force_open(shared.error)
            case _ if shared.is_proven:
                breaker.heed_proof()
                self._on_proof(shared.service)
            case _:
                breaker.heed_closing()
        if breaker.state is before:  # nothing new here: no event comes of it
            with self._lock:
                self._echoes.discard(echo)
