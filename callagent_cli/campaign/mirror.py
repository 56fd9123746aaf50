"""Rows of the sheet for the events that no step of the ledger records.

Called by: the emitter, which it only lets put a row into a queue. A thread of its own commits
the rows as owed, many at once.
"""

import threading
from collections import deque
from collections.abc import Callable

from callagent_cli.campaign.owing import MIRRORED, OWED_WITH_THEIR_FACT, event_row
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import Event
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger

_EVERY_S = 2.0
_CAPACITY = 50_000  # rows; the log has what is dropped


class Mirror:
    """A Listener. nudge: told that rows became owed."""

    def __init__(self, ledger: Ledger, clock: Clock, nudge: Callable[[], None]) -> None:
        self._ledger, self._nudge = ledger, nudge
        self._lock = threading.Lock()
        self._rows: deque[Message] = deque(maxlen=_CAPACITY)
        self._number = 0
        self._closing = clock.signal()

    def __call__(self, event: Event) -> None:
        if event.name in MIRRORED and event.name not in OWED_WITH_THEIR_FACT:
            with self._lock:
                self._number += 1
                self._rows.append(event_row(event, self._number))

    def run(self) -> None:
        """Owe what has come together, until closed."""
        while not self._closing.wait(_EVERY_S):
            self._owe()

    def close(self) -> None:
        self._closing.set()
        self._owe()

    def _owe(self) -> None:
        with self._lock:
            rows = list(self._rows)
            self._rows.clear()
        if not rows:
            return
        try:
            self._ledger.owe(rows)
        except LedgerError:
            return  # a ledger that fails ends the run, which tells it; the log has the events
        self._nudge()
