"""Events: one fact, told to every listener, in one order.

A listener that fails is contained: nothing that is told can stop a call.
"""

import threading
from collections.abc import Callable, Mapping

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.event import LEVEL_OF, Event, EventName, FieldValue, Level, Listener


class Emitter:
    """An Emit. Listeners hear events one at a time, in the order in which they were told.

    on_broken: told once of each listener that raised.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        run_id: str,
        campaign: str = "",
        on_broken: Callable[[str], None] | None = None,
    ) -> None:
        self._clock, self._on_broken = clock, on_broken
        self._always: Mapping[str, FieldValue] = {"run_id": run_id, "campaign": campaign or None}
        self._listeners: list[Listener] = []
        self._broken: set[int] = set()
        self._lock = threading.RLock()  # a listener may tell something itself

    def listen(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.append(listener)

    def __call__(self, name: EventName, /, **fields: FieldValue) -> None:
        told = {
            key: value for key, value in {**self._always, **fields}.items() if value is not None
        }
        with self._lock:
            event = Event(name, self._clock.now(), LEVEL_OF.get(name, Level.INFO), told)
            for listener in self._listeners:
                self._tell(listener, event)

    def _tell(self, listener: Listener, event: Event) -> None:
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001 - a copy of the truth must not stop a call
            if id(listener) not in self._broken:
                self._broken.add(id(listener))
                if self._on_broken is not None:
                    self._on_broken(f"{type(listener).__name__} failed: {type(error).__name__}")
