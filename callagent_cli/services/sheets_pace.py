"""Keeps within a quota of requests a minute."""

import threading

from callagent_cli.domain.clock import Clock

_AT_ONCE = 20
_THEN_EVERY_S = 1.5  # 20 at once and 40 in the minute after them


class Pace:
    """Lets 20 requests through at once and then one every 1.5 s: in no minute more than 60, and
    nobody waits long enough to hold up a run's end."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._full_at_s = 0.0  # monotonic: when the whole allowance will be there again

    def wait(self) -> None:
        """Return when the next request may be made."""
        with self._lock:
            now_s = self._clock.monotonic()
            full_at_s = max(self._full_at_s, now_s)
            wait_s = full_at_s - (_AT_ONCE - 1) * _THEN_EVERY_S - now_s
            self._full_at_s = full_at_s + _THEN_EVERY_S
        if wait_s > 0:
            self._clock.signal().wait(wait_s)
