"""Facts go out to whoever listens: the log, the alert desk, the terminal.

Called by: everything that emits. Order: an event's time is taken and its place in the queue
fixed in one step; listeners are then called outside the lock, by one thread at a time. A thread
that finds another one telling leaves its event to it and goes on, so that a listener that hangs
delays no call. Who must know that all has been heard, as a run that ends, waits for it: `settle`.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.event import LEVEL_OF, Event, EventName, FieldValue, Level, Listener


def _say_on_stderr(text: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # closed, full, or never there
        sys.stderr.write(f"warning: {text}\n")


class Emitter:
    """An Emit for one run. `faults` counts what listeners raised."""

    def __init__(
        self,
        clock: Clock,
        *,
        run_id: str,
        campaign: str = "",
        say: Callable[[str], None] = _say_on_stderr,
    ) -> None:
        """say: told once, when a listener raises for the first time."""
        self._clock, self._say = clock, say
        self._about: dict[str, FieldValue] = {"run_id": run_id}
        if campaign:
            self._about["campaign"] = campaign
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()
        self._untold: deque[Event] = deque()
        self._is_telling = False
        self._emitted = self._heard = 0  # events
        self._news = clock.signal()  # one more was heard
        self.faults = 0

    def listen(self, listener: Listener) -> None:
        """Let `listener` hear every event from now on, after those who listen already."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def __call__(self, name: EventName, /, **fields: FieldValue) -> None:
        given = {key: value for key, value in fields.items() if value is not None}
        with self._lock:
            at = self._clock.now()
            level = LEVEL_OF.get(name, Level.INFO)
            self._untold.append(Event(name, at, level, {**self._about, **given}))
            self._emitted += 1
        self._tell()

    def settle(self, timeout_s: float) -> bool:
        """Wait until every listener has heard what was emitted so far; another thread may be
        telling it. False: one of them hangs. Not for a listener to call."""
        until_s = self._clock.monotonic() + timeout_s
        with self._lock:
            emitted = self._emitted
        while True:
            self._news.clear()
            if self._heard >= emitted:
                return True
            left_s = until_s - self._clock.monotonic()
            if left_s <= 0:
                return False
            self._news.wait(left_s)

    def _tell(self) -> None:
        while (event := self._take()) is not None:
            try:
                for listener in self._listeners:
                    self._let_hear(listener, event)
            finally:
                self._heard += 1
                self._is_telling = False
                self._news.set()

    def _take(self) -> Event | None:
        with self._lock:
            if self._is_telling or not self._untold:
                return None
            self._is_telling = True
            return self._untold.popleft()

    def _let_hear(self, listener: Listener, event: Event) -> None:
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001 - whatever a listener raises is not the call's
            self.faults += 1
            if self.faults == 1:
                told = f"{type(error).__name__} while telling {event.name}"
                self._say(f"a listener of events failed ({told}); the run goes on")
