"""A clock that a single-threaded test moves by hand: waiting takes no time, it moves the clock."""

import heapq
import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from callagent_cli.domain.clock import Signal, Task


class HandClock:
    """Starts at 0 s. `at` plans what happens while somebody waits."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)) -> None:
        self._wall, self._elapsed_s = start, 0.0
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    def signal(self) -> Signal:
        return _HandSignal(self)

    def spawn(self, name: str, work: Callable[[], None]) -> Task:
        raise AssertionError(f"a hand clock runs no threads: {name}")

    def at(self, when_s: float, what: Callable[[], None]) -> None:
        """Call `what` when the clock passes `when_s`."""
        heapq.heappush(self._planned, (when_s, next(self._order), what))

    def advance(self, by_s: float) -> None:
        self.advance_until(self._elapsed_s + by_s, lambda: False)

    def advance_until(self, until_s: float, is_met: Callable[[], bool]) -> None:
        """Move on to `until_s`, or to the planned moment after which `is_met` is true."""
        while not is_met() and self._planned and self._planned[0][0] <= until_s:
            when_s, _, what = heapq.heappop(self._planned)
            self._elapsed_s = max(self._elapsed_s, when_s)
            what()
        if not is_met():
            assert math.isfinite(until_s), "waits for ever: nothing more is planned"
            self._elapsed_s = max(self._elapsed_s, until_s)

    def jump_wall(self, by_s: float) -> None:
        """What an NTP step or daylight saving does: wall time moves, monotonic time does not."""
        self._wall += timedelta(seconds=by_s)


class _HandSignal:
    def __init__(self, clock: HandClock) -> None:
        self._clock, self._is_set = clock, False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout_s: float | None = None) -> bool:
        until_s = math.inf if timeout_s is None else self._clock.monotonic() + timeout_s
        self._clock.advance_until(until_s, self.is_set)
        return self._is_set
