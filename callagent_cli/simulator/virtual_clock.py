"""A clock for rehearsals and tests: real threads, virtual time, one thread at a time.

The thread that makes the clock and those it spawns take turns: one that waits hands over to the
next that can run, first come first served; when none can, time jumps to the earliest deadline.
So a simulation is deterministic, exact and takes no time, or, with a speed, the scaled time.
Other threads may read the clock, set signals and wait (in real time, scaled).

A thread's turn lasts until it waits on the clock: one that blocks on anything else that another
one holds stops everybody.
"""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from callagent_cli.domain.clock import Signal, Task

_PATIENCE_S = 10.0
_SLICE_S = 0.1  # a signal (SIGINT) that comes just before a wait begins does not interrupt it


class _Waiter:
    """A thread's one wait."""

    def __init__(self, lock: threading.RLock) -> None:
        self.released = threading.Condition(lock)
        self.is_over = False  # it has its result: a later deadline or set is ignored
        self.is_released = False  # it is this thread's turn
        self.takes_turn = True  # not so when it waits outside, or an exception ended the wait
        self.was_set = False
        self.is_stuck = False


class VirtualClock:
    """start: aware wall time at 0 s. speed: virtual seconds a real second; None jumps at once.
    patience_s: real seconds; when everybody has waited without a deadline for so long, and
    nobody from outside has set a signal, all of their waits raise RuntimeError.
    """

    def __init__(
        self, start: datetime, *, speed: float | None = None, patience_s: float = _PATIENCE_S
    ) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be aware")
        if speed is not None and speed <= 0:
            raise ValueError("speed must be more than 0")
        self._start, self._speed, self._patience_s = start.astimezone(UTC), speed, patience_s
        self._lock = threading.RLock()  # re-entrant: a signal handler may set a signal
        self._paced = threading.Condition(self._lock)  # wakes the thread that keeps the time
        self._now_s = self._shown_s = 0.0
        self._real_start_s = time.monotonic()
        self._ready: deque[_Waiter] = deque()
        self._sleepers: list[tuple[float, int, _Waiter]] = []
        self._blocked: dict[_Waiter, None] = {}
        self._order = 0
        self._running = 1  # more than one only after an exception cut a wait short
        self._has_keeper = False
        self._idle_since_s: float | None = None  # real: nobody runs, and no deadline comes
        self._own = threading.local()
        self._own.is_inside = True

    @property
    def speed(self) -> float | None:
        """Virtual seconds a real second; None jumps."""
        return self._speed

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        if self._speed is None or self._is_inside():
            return self._now_s
        with self._lock:  # a spectator sees time pass between two jumps
            upcoming = self._sleepers[0][0] if self._sleepers else self._now_s
            paced_s = min(upcoming, self._real_s() * self._speed)
            self._shown_s = max(self._shown_s, self._now_s, paced_s)
            return self._shown_s

    def signal(self) -> Signal:
        return _VirtualSignal(self)

    def spawn(self, name: str, work: Callable[[], None]) -> Task:
        """What `work` raises ends its thread as any other, and nobody else's."""
        task, first = _VirtualTask(self), _Waiter(self._lock)

        def body() -> None:
            self._own.is_inside = True
            with self._lock:
                while not first.is_released:
                    first.released.wait()
            try:
                work()
            finally:
                task.done.set()
                self._leave()

        threading.Thread(target=body, name=name, daemon=True).start()
        with self._lock:
            self._ready.append(first)
            self._from_outside()
        return task

    def _is_inside(self) -> bool:
        return getattr(self._own, "is_inside", False)

    def _real_s(self) -> float:
        return time.monotonic() - self._real_start_s

    def _wait(self, signal: "_VirtualSignal", timeout_s: float | None) -> bool:
        with self._lock:
            if signal.flag or (timeout_s is not None and timeout_s <= 0):
                return signal.flag
            if not self._is_inside():
                return self._wait_outside(signal, timeout_s)
            waiter = _Waiter(self._lock)
            try:
                self._enrol(waiter, signal, timeout_s)
                self._block(waiter)
            finally:
                waiter.is_over = True
                self._blocked.pop(waiter, None)
                signal.waiters.pop(waiter, None)
            if waiter.is_stuck:
                raise RuntimeError("every thread waits for ever on the virtual clock")
            return waiter.was_set

    def _wait_outside(self, signal: "_VirtualSignal", timeout_s: float | None) -> bool:
        waiter = _Waiter(self._lock)
        signal.waiters[waiter] = None
        real_s = None if timeout_s is None else timeout_s / (self._speed or 1.0)
        waiter.takes_turn = False
        try:
            return waiter.released.wait_for(lambda: waiter.was_set, real_s)
        finally:
            signal.waiters.pop(waiter, None)

    def _enrol(self, waiter: _Waiter, signal: "_VirtualSignal", timeout_s: float | None) -> None:
        signal.waiters[waiter] = self._blocked[waiter] = None
        if timeout_s is not None:
            self._order += 1
            heapq.heappush(self._sleepers, (self._now_s + timeout_s, self._order, waiter))

    def _block(self, waiter: _Waiter) -> None:
        self._running -= 1
        try:
            self._hand_over()
            slice_s = _SLICE_S if _is_main_thread() else None
            while not waiter.is_released:
                waiter.released.wait(slice_s)
        except BaseException:
            if not waiter.is_released:  # runs on without having been given the turn
                waiter.takes_turn = False
                self._running += 1
                self._paced.notify()  # somebody runs again: time stands still
            raise

    def _leave(self) -> None:
        """The running thread ends: somebody else runs, or time moves on."""
        with self._lock:
            self._running -= 1
            if self._ready or self._blocked:
                self._hand_over()

    def _set(self, signal: "_VirtualSignal") -> None:
        with self._lock:
            signal.flag = True
            for waiter in signal.waiters:
                self._make_ready(waiter, was_set=True)
            signal.waiters.clear()
            self._from_outside()

    def _make_ready(self, waiter: _Waiter, *, was_set: bool) -> None:
        if waiter.is_over:
            return
        waiter.is_over, waiter.was_set = True, was_set
        if waiter.takes_turn:
            self._ready.append(waiter)
        else:
            waiter.released.notify()

    def _from_outside(self) -> None:
        """Someone became ready while nobody runs: whoever keeps the time hands over, if any."""
        if self._has_keeper:
            self._paced.notify()
        elif not self._running:
            self._release_next()

    def _release_next(self) -> bool:
        while self._ready:
            waiter = self._ready.popleft()
            if waiter.takes_turn:
                self._running += 1
                self._idle_since_s = None
                waiter.is_released = True
                waiter.released.notify()
                return True
        return False

    def _hand_over(self) -> None:
        """Release the next thread that can run; until one can, keep the time."""
        if self._running or self._has_keeper:
            self._paced.notify()  # there may be an earlier deadline now
            return
        self._has_keeper = True
        try:
            while not self._running and not self._release_next():
                self._keep_time()
        finally:
            self._has_keeper = False

    def _keep_time(self) -> None:
        """One step: to the next deadline, or until a notice or a slice of real time."""
        deadline_s = self._next_deadline_s()
        if deadline_s is None:
            self._await_outsiders()
            return
        self._idle_since_s = None
        if self._pace(deadline_s):
            _, _, waiter = heapq.heappop(self._sleepers)
            self._make_ready(waiter, was_set=False)

    def _next_deadline_s(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].is_over:
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _await_outsiders(self) -> None:
        if self._idle_since_s is None:
            self._idle_since_s = self._real_s()
        left_s = self._idle_since_s + self._patience_s - self._real_s()
        if left_s > 0:
            self._paced.wait(min(left_s, _SLICE_S))
            return
        for waiter in self._blocked:
            waiter.is_stuck = True
            self._make_ready(waiter, was_set=False)

    def _pace(self, deadline_s: float) -> bool:
        """Let real time catch up; False when that is not over, or somebody runs before."""
        left_s = deadline_s / self._speed - self._real_s() if self._speed else 0.0
        if left_s > 0:
            self._paced.wait(min(left_s, _SLICE_S))
            if self._ready or self._running:
                self._catch_up(min(deadline_s, self._real_s() * (self._speed or 0.0)))
            return False
        self._catch_up(deadline_s)
        return True

    def _catch_up(self, to_s: float) -> None:
        self._now_s = max(self._now_s, to_s)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class _VirtualSignal:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.flag = False
        self.waiters: dict[_Waiter, None] = {}  # in the order they came

    def set(self) -> None:
        self._clock._set(self)

    def clear(self) -> None:
        self.flag = False

    def is_set(self) -> bool:
        return self.flag

    def wait(self, timeout_s: float | None = None) -> bool:
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
