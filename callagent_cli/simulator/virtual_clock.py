"""A clock for rehearsals and tests: real threads, virtual time, one thread at a time.

A thread that waits hands over to the next one that can run; when none can, time jumps to the
earliest deadline. So a simulation is deterministic, exact and takes no time, or, with a speed,
the scaled time. Threads that the clock did not start may read it, wait on it and set signals.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from callagent_cli.domain.clock import Signal, Task

_STUCK_S = 60.0  # real: nobody can run and nobody outside sets a signal


class _Waiter:
    """A thread's one wait."""

    def __init__(self, lock: threading.Lock, deadline_s: float | None) -> None:
        self.released = threading.Condition(lock)
        self.deadline_s = deadline_s
        self.is_over = False  # the wait has its result: a later deadline or set is ignored
        self.is_released = False
        self.was_set = False


class VirtualClock:
    """start: aware wall time at 0 s. speed: virtual seconds a real second; None jumps at once."""

    def __init__(self, start: datetime, *, speed: float | None = None) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be aware")
        self._start, self._speed = start.astimezone(UTC), speed
        self._lock = threading.Lock()
        self._paced = threading.Condition(self._lock)  # wakes the thread that keeps the time
        self._now_s = 0.0
        self._real_start_s = time.monotonic()
        self._ready: deque[_Waiter] = deque()
        self._sleepers: list[tuple[float, int, _Waiter]] = []
        self._order = 0
        self._inside = {threading.get_ident()}
        self._is_idle = False  # nobody runs, nobody keeps the time: an outside set must restart

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        if self._speed is None or threading.get_ident() in self._inside:
            return self._now_s
        # a spectator sees time pass between two jumps
        upcoming = self._sleepers[0][0] if self._sleepers else self._now_s
        return max(self._now_s, min(upcoming, self._real_s() * self._speed))

    def signal(self) -> Signal:
        return _VirtualSignal(self)

    def spawn(self, name: str, work: Callable[[], None]) -> Task:
        task = _VirtualTask(self)
        first = _Waiter(self._lock, None)

        def body() -> None:
            with self._lock:
                while not first.is_released:
                    first.released.wait()
            try:
                work()
            finally:
                task.done.set()
                self._leave()

        thread = threading.Thread(target=body, name=name, daemon=True)
        with self._lock:
            self._ready.append(first)
        thread.start()
        self._inside.add(thread.ident or 0)
        return task

    def _real_s(self) -> float:
        return time.monotonic() - self._real_start_s

    def _wait(self, signal: "_VirtualSignal", timeout_s: float | None) -> bool:
        if threading.get_ident() not in self._inside:
            return self._wait_outside(signal, timeout_s)
        with self._lock:
            if signal.flag or (timeout_s is not None and timeout_s <= 0):
                return signal.flag
            deadline_s = None if timeout_s is None else self._now_s + timeout_s
            waiter = _Waiter(self._lock, deadline_s)
            signal.waiters.append(waiter)
            if deadline_s is not None:
                self._order += 1
                heapq.heappush(self._sleepers, (deadline_s, self._order, waiter))
            try:
                self._hand_over()
                while not waiter.is_released:
                    waiter.released.wait()
            finally:
                waiter.is_over = True
            return waiter.was_set

    def _wait_outside(self, signal: "_VirtualSignal", timeout_s: float | None) -> bool:
        real_s = None if timeout_s is None else timeout_s / (self._speed or 1.0)
        with self._lock:
            waiter = _Waiter(self._lock, None)
            if not signal.flag:
                signal.spectators.append(waiter)
                waiter.released.wait_for(lambda: signal.flag, real_s)
                signal.spectators.remove(waiter)
            return signal.flag

    def _set(self, signal: "_VirtualSignal") -> None:
        with self._lock:
            signal.flag = True
            for waiter in signal.waiters:
                self._make_ready(waiter, was_set=True)
            signal.waiters.clear()
            for spectator in signal.spectators:
                spectator.released.notify_all()
            if self._is_idle and self._ready:
                self._release_next()
            self._paced.notify_all()

    def _make_ready(self, waiter: _Waiter, *, was_set: bool) -> None:
        if not waiter.is_over:
            waiter.is_over, waiter.was_set = True, was_set
            self._ready.append(waiter)

    def _release_next(self) -> None:
        self._is_idle = False
        waiter = self._ready.popleft()
        waiter.is_released = True
        waiter.released.notify()

    def _leave(self) -> None:
        """The running thread ends: somebody else runs, or time moves on."""
        with self._lock:
            self._inside.discard(threading.get_ident())
            if self._ready or self._sleepers:
                self._hand_over()
            else:
                self._is_idle = True

    def _hand_over(self) -> None:
        """Release the next thread that can run; until one can, keep the time."""
        while not self._ready:
            deadline_s = self._next_deadline_s()
            if deadline_s is None:
                if not self._paced.wait(_STUCK_S) and not self._ready:
                    raise RuntimeError("every thread waits for ever on the virtual clock")
            elif self._pace(deadline_s):
                _, _, waiter = heapq.heappop(self._sleepers)
                self._make_ready(waiter, was_set=False)
        self._release_next()

    def _next_deadline_s(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].is_over:
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _pace(self, deadline_s: float) -> bool:
        """Let real time catch up; False when somebody outside made a thread ready before."""
        if self._speed is not None:
            left_s = deadline_s / self._speed - self._real_s()
            if left_s > 0:
                self._paced.wait(left_s)
                if self._ready:
                    self._now_s = max(self._now_s, min(deadline_s, self._real_s() * self._speed))
                    return False
                if deadline_s / self._speed - self._real_s() > 0:
                    return False  # woken for nothing: wait on
        self._now_s = max(self._now_s, deadline_s)
        return True


class _VirtualSignal:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.flag = False
        self.waiters: list[_Waiter] = []
        self.spectators: list[_Waiter] = []

    def set(self) -> None:
        self._clock._set(self)

    def clear(self) -> None:
        self.flag = False

    def is_set(self) -> bool:
        return self.flag

    def wait(self, timeout_s: float | None = None) -> bool:
        # a wait that ended by its deadline leaves its waiter behind; drop it here
        self.waiters = [waiter for waiter in self.waiters if not waiter.is_over]
        return self._clock._wait(self, timeout_s)


class _VirtualTask:
    def __init__(self, clock: VirtualClock) -> None:
        self.done = clock.signal()

    def join(self, timeout_s: float | None = None) -> bool:
        return self.done.wait(timeout_s)


def sandbox_start(now: datetime, *, not_before: datetime | None = None) -> datetime:
    """The next weekday noon in the middle of the United States (18:00 UTC), inside every usual
    calling window there, and later than `not_before`, the sandbox's latest record."""
    start = now.astimezone(UTC).replace(hour=18, minute=0, second=0, microsecond=0)
    while start.weekday() > 4 or (not_before is not None and start <= not_before):
        if not_before is not None and start <= not_before and _is_noon_to_five(not_before):
            return not_before + timedelta(seconds=1)
        start += timedelta(days=1)
    return start


def _is_noon_to_five(at: datetime) -> bool:
    """Still early enough in the day to go on from there."""
    return at.weekday() <= 4 and 18 <= at.astimezone(UTC).hour < 23
