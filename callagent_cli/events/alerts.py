"""The alert desk: hands alerts to every channel, on a thread of its own.

Called by: the emitter, which it only lets put an alert into a bounded queue. Nothing about alerts
can delay, stop or fail a call. When no channel takes an alert, the last one is tried.
"""

import threading
from collections import deque
from collections.abc import Sequence

from callagent_cli.domain.alert import Alert, AlertChannel, AlertKind
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import ServiceError
from callagent_cli.domain.event import Emit, Event, EventName
from callagent_cli.domain.text import one_line
from callagent_cli.events.incidents import Incidents, Throttle

_CAPACITY = 500  # alerts waiting; more than a person would read


class AlertDesk:
    """A Listener whose `run` delivers; `flush` ends it."""

    def __init__(
        self,
        channels: Sequence[AlertChannel],
        clock: Clock,
        emit: Emit,
        throttle: Throttle | None = None,
        *,
        untold: frozenset[AlertKind] = frozenset({AlertKind.CAMPAIGN_FINISHED}),
        last: AlertChannel | None = None,
    ) -> None:
        """untold: kinds that nobody asked to hear of. last: takes an alert that no channel
        took."""
        self._channels, self._untold, self._last = tuple(channels), untold, last
        self._clock, self._emit = clock, emit
        self._incidents = Incidents(throttle or Throttle())
        self._lock = threading.Lock()  # never held while a channel works
        self._queue: deque[Alert] = deque(maxlen=_CAPACITY)
        self._news, self._done = clock.signal(), clock.signal()
        self._is_started = self._is_closing = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._queue.extend(self._incidents.hear(event))
            is_news = bool(self._queue)
        if is_news or event.name is EventName.BREAKER_CLOSED:
            self._news.set()

    def run(self) -> None:
        """Deliver until flushed. The body of a task of the clock."""
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
        try:
            self._work()
        finally:
            self._done.set()

    def flush(self, timeout_s: float) -> None:
        """Deliver what is owed, digests included, and end; wait for it `timeout_s` seconds at
        most. What is not delivered by then is told as failed."""
        with self._lock:
            self._queue.extend(self._incidents.rest(self._clock.now()))
            self._is_closing, is_started = True, self._is_started
        self._news.set()
        if not is_started:
            self._clock.spawn("alerts", self.run)
        if not self._done.wait(timeout_s):
            self._give_up()

    def _work(self) -> None:
        while True:
            self._news.clear()
            alert = self._next()
            if alert is not None:
                self._deliver(alert)
            elif self._is_closing:
                return
            else:
                self._news.wait(self._seconds_until_due())

    def _next(self) -> Alert | None:
        with self._lock:
            self._queue.extend(self._incidents.due(self._clock.now()))
            return self._queue.popleft() if self._queue else None

    def _seconds_until_due(self) -> float | None:
        with self._lock:
            due_at = self._incidents.next_due_at()
        if due_at is None:
            return None
        return max(0.0, (due_at - self._clock.now()).total_seconds())

    def _deliver(self, alert: Alert) -> None:
        """To each channel; one that fails leaves it to the others."""
        if alert.kind in self._untold:
            return
        taken = [self._hand_to(channel, alert) for channel in self._channels]
        if not any(taken) and self._last is not None:
            self._hand_to(self._last, alert)

    def _hand_to(self, channel: AlertChannel, alert: Alert) -> bool:
        try:
            channel.send(alert)
        except ServiceError as error:
            self._tell_failed(channel.name, alert, error.message)
        except Exception as error:  # noqa: BLE001 - a channel's bug must not end the others
            self._tell_failed(channel.name, alert, type(error).__name__)
        else:
            self._emit(
                EventName.ALERT_SENT,
                channel=channel.name,
                kind=alert.kind.value,
                title=alert.title,
                alert_key=alert.key,
            )
            return True
        return False

    def _give_up(self) -> None:
        with self._lock:
            left = list(self._queue)
            self._queue.clear()
        for alert in left:
            self._tell_failed("all", alert, "the run ended before it could be sent")

    def _tell_failed(self, channel: str, alert: Alert, error: str) -> None:
        self._emit(
            EventName.ALERT_FAILED,
            channel=channel,
            kind=alert.kind.value,
            title=alert.title,
            alert_key=alert.key,
            error=one_line(error),
        )
