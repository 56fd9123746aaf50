"""An engine for as long as its process works: begun anew whenever it ends before it should."""

import threading
from collections.abc import Callable
from typing import Protocol

from callagent_cli.domain.errors import LedgerError


class Engine(Protocol):
    def run(self) -> None:
        """Hand out jobs until stopped. Raises LedgerError."""
        ...

    def stop(self) -> None:
        """From any thread, also before `run`."""
        ...


class KeptEngine:
    """`run` is the body of a thread of its own. Invariant: no engine runs on after `stop`."""

    def __init__(self, make: Callable[[], Engine], on_lost: Callable[[], None]) -> None:
        """on_lost: told when the queue's server is gone; returns when it may be tried again."""
        self._make, self._on_lost = make, on_lost
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._is_over = False

    def run(self) -> None:
        while (engine := self._next()) is not None:
            try:
                engine.run()
            except LedgerError:
                self._on_lost()

    def stop(self) -> None:
        with self._lock:  # an engine that is being made at this moment is stopped too
            self._is_over = True
            if self._engine is not None:
                self._engine.stop()

    def _next(self) -> Engine | None:
        with self._lock:
            self._engine = None if self._is_over else self._make()
            return self._engine
