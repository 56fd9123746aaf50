"""One thread that ends what takes too long, for all exchanges with a service.

A timer of its own for every request would cost a thread for every request.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_IDLE_S = 5.0  # without a request, before the thread ends


class Watchdog:
    """Its thread begins with something to watch, and ends when there has been nothing a while."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wakes_at_s = float("inf")
        self._is_on = False

    @contextmanager
    def ending(self, after_s: float, end: Callable[[], None]) -> Iterator[None]:
        """Call `end`, from another thread, when the body takes longer than `after_s` seconds."""
        token, due_s = object(), time.monotonic() + after_s
        with self._changed:
            self._watched[token] = (due_s, end)
            if due_s < self._wakes_at_s:
                self._changed.notify()
            self._begin()
        try:
            yield
        finally:
            with self._changed:
                self._watched.pop(token, None)

    def _begin(self) -> None:
        if not self._is_on:
            self._is_on = True
            threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while (overdue := self._take_overdue()) is not None:
            for end in overdue:
                end()

    def _take_overdue(self) -> list[Callable[[], None]] | None:
        """Wait until something may be overdue. None: there has been nothing to watch."""
        with self._changed:
            due_s = (due for due, _ in self._watched.values())
            self._wakes_at_s = min(due_s, default=float("inf"))
            left_s = min(self._wakes_at_s - time.monotonic(), _IDLE_S)
            if left_s > 0:
                self._changed.wait(left_s)
            if not self._watched:
                self._is_on = False
                return None
            now_s = time.monotonic()
            overdue = [token for token, (due, _) in self._watched.items() if due <= now_s]
            return [self._watched.pop(token)[1] for token in overdue]
