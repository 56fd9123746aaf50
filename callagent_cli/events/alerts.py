"""The alert desk: hears events, sends what a person must know, on a thread of its own.

Invariant: hearing only queues. A channel that hangs or fails delays no call; the next channel
is tried, and what none would take is told as `alert.failed`.
"""

import threading
from collections import deque
from collections.abc import Sequence

from callagent_cli.domain.alert import Alert, AlertChannel, AlertKind
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import CallAgentError
from callagent_cli.domain.event import Emit, Event, EventName
from callagent_cli.events.incidents import Incidents, Throttle

_MOST_QUEUED = 10_000
_LONGEST_NAP_S = 60.0
_OWN = frozenset({EventName.ALERT_SENT, EventName.ALERT_FAILED})


class AlertDesk:
    """A Listener, and the body of a background task.

    untold: kinds that this desk keeps to itself.
    """

    def __init__(
        self,
        channels: Sequence[AlertChannel],
        *,
        clock: Clock,
        emit: Emit,
        throttle: Throttle,
        untold: frozenset[AlertKind] = frozenset({AlertKind.CAMPAIGN_FINISHED}),
    ) -> None:
        self._channels, self._clock, self._emit = tuple(channels), clock, emit
        self._incidents, self._untold = Incidents(throttle), untold
        self._queue: deque[Event] = deque(maxlen=_MOST_QUEUED)
        self._lock = threading.Lock()  # one thread at a time empties the queue
        self._woken, self._over = clock.signal(), clock.signal()

    def __call__(self, event: Event) -> None:
        if event.name not in _OWN:
            self._queue.append(event)
            self._woken.set()

    def run(self) -> None:
        """Send until `flush` ends it."""
        while not self._over.is_set():
            self._woken.wait(self._nap_s())
            self._woken.clear()
            self._work()

    def flush(self) -> None:
        """Send what is queued and end the task."""
        self._over.set()
        self._woken.set()
        self._work()

    def _work(self) -> None:
        with self._lock:
            while self._queue:
                self._send_all(self._incidents.hear(self._queue.popleft()))
            self._send_all(self._incidents.due(self._clock.now()))

    def _nap_s(self) -> float:
        due_at = self._incidents.next_due_at()
        if due_at is None:
            return _LONGEST_NAP_S
        left_s = (due_at - self._clock.now()).total_seconds()
        return min(max(left_s, 0.1), _LONGEST_NAP_S)

    def _send_all(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            if alert.kind not in self._untold:
                self._send(alert)

    def _send(self, alert: Alert) -> None:
        for channel in self._channels:
            try:
                channel.send(alert)
            except (CallAgentError, OSError) as error:
                self._emit(
                    EventName.ALERT_FAILED,
                    channel=channel.name,
                    kind=alert.kind,
                    title=alert.title,
                    error=str(error),
                )
            else:
                self._emit(
                    EventName.ALERT_SENT, channel=channel.name, kind=alert.kind, title=alert.title
                )
                return
