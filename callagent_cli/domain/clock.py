"""Time, and everything that waits on it.

The product never calls `time` or `threading` to wait: it is handed a Clock, so that
a wait can be interrupted, a test takes no time and a simulation can be watched.
Implementations: SystemClock here, VirtualClock in `simulator.virtual_clock`.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Signal(Protocol):
    """A flag that can be waited for; as `threading.Event`, on the clock's time."""

    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return True as soon as the flag is set, False when `timeout_s` seconds have passed."""
        ...


class Task(Protocol):
    """A thread started by a clock."""

    def join(self, timeout_s: float | None = None) -> bool:
        """Return True once the work has returned, False when `timeout_s` seconds have passed."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back, unmoved by wall-clock jumps."""
        ...

    def signal(self) -> Signal: ...

    def spawn(self, name: str, work: Callable[[], None]) -> Task:
        """Run `work` in a daemon thread whose waits are on this clock."""
        ...


class _SystemSignal:
    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._event.wait(timeout_s)


class _SystemTask:
    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def join(self, timeout_s: float | None = None) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def signal(self) -> Signal:
        return _SystemSignal()

    def spawn(self, name: str, work: Callable[[], None]) -> Task:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return _SystemTask(thread)


_NOISE = timedelta(seconds=1)  # of asking another machine for its time


class CorrectedClock(SystemClock):
    """The time of a machine whose clock may be off, as another one told it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def correct(self, by: timedelta) -> None:
        if abs(by) > _NOISE:
            self._ahead += by
