"""The alert desk: hands alerts to every channel, on a thread of its own.

Called by: the emitter, which it only lets put an alert into a bounded queue. Nothing about alerts
can delay, stop or fail a call. What a channel outside this process is to tell is owed in the
ledger first, so that a crash neither loses nor doubles it.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence

from callagent_cli.domain.alert import Alert, AlertBook, AlertChannel, AlertKind, Incident
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import CallAgentError
from callagent_cli.domain.event import Emit, Event, EventName, FieldValue
from callagent_cli.domain.text import one_line
from callagent_cli.events.incidents import Incidents, Throttle

_KEEP_WITHIN_S = 60.0  # a disk can be slow; an alert that nobody owes is lost
_OF_SERVICES = frozenset(
    {
        EventName.BREAKER_OPENED,
        EventName.BREAKER_CLOSED,
        EventName.HEALTH_FAILED,
    }
)
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
        book: AlertBook | None = None,
        untold: frozenset[AlertKind] = frozenset({AlertKind.CAMPAIGN_FINISHED}),
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """channels: of this process, told at once. book: owes the alerts to the others.
        untold: kinds that `channels` are not told, because their reader sees it anyway.
        is_on_duty: of several processes only one tells of services."""
        self._is_on_duty = is_on_duty
        self._unheard: dict[FieldValue, Event] = {}  # service → that it went down, off duty
        self._channels, self._untold, self._book = tuple(channels), untold, book
        self._clock, self._emit = clock, emit
        self._incidents = Incidents(throttle or Throttle())
        if book is not None:
            self._incidents.take_up(book.open_incidents())
        self._lock = threading.Lock()  # never held while a channel works
        self._queue: deque[Alert] = deque(maxlen=_CAPACITY)
        self._news, self._done = clock.signal(), clock.signal()
        self._kept = clock.signal()  # the last of the alerts are in the book
        self._is_started = self._is_closing = False

    def __call__(self, event: Event) -> None:
        with self._lock:
            if event.name in _OF_SERVICES and not self._is_on_duty():
                self._remember(event)
                return
            self._queue.extend(self._incidents.hear(event))
            is_news = bool(self._queue)
        if is_news or event.name is EventName.BREAKER_CLOSED:
            self._news.set()

    def go_on_duty(self, proven: Collection[str] = ()) -> None:
        """Go on where whoever told of services before has stopped. proven: services that have
        answered somebody since they were down. Raises LedgerError."""
        told = self._book.open_incidents() if self._book else []
        with self._lock:
            self._incidents.begin_anew(told)
            for service in proven:
                self._queue.extend(self._incidents.prove(service, self._clock.now()))
            for event in self._unheard.values():
                self._queue.extend(self._incidents.hear(event))
            self._unheard.clear()
        self._news.set()

    def prove(self, service: str) -> None:
        """Another process of the fleet has had a real answer."""
        with self._lock:
            self._queue.extend(self._incidents.prove(service, self._clock.now()))
        self._news.set()

    def _remember(self, event: Event) -> None:
        """What may have to be told yet, should this process come on duty."""
        service = event.fields.get("service")
        if event.name is EventName.BREAKER_OPENED:
            self._unheard.setdefault(service, event)
        elif event.name is EventName.BREAKER_CLOSED:
            self._unheard.pop(service, None)

    def run(self) -> None:
        """Deliver until flushed. The body of a task of the clock."""
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
        try:
            self._work()
        finally:
            self._kept.set()
            self._done.set()

    def flush(self, timeout_s: float) -> None:
        """Deliver what is owed, digests included, and end; wait for it `timeout_s` seconds at
        most, once the book has kept them. What is not delivered by then is told as failed."""
        with self._lock:
            self._queue.extend(self._incidents.rest(self._clock.now()))
            self._is_closing, is_started = True, self._is_started
        self._news.set()
        if not is_started:
            self._clock.spawn("alerts", self.run)
        if self._book is not None:
            self._kept.wait(_KEEP_WITHIN_S)
        if not self._done.wait(timeout_s):
            self._give_up()

    def _work(self) -> None:
        while True:
            self._news.clear()
            is_last = self._is_closing
            alerts, standing = self._take()
            if alerts or is_last:
                self._keep(alerts, standing)
            if is_last:
                self._kept.set()
            for alert in alerts:
                self._tell_here(alert)
            if is_last:
                return
            if not alerts:
                self._news.wait(self._seconds_until_due())

    def _take(self) -> tuple[list[Alert], list[Incident]]:
        """All alerts that wait, and the incidents as they stand with them."""
        with self._lock:
            self._queue.extend(self._incidents.due(self._clock.now()))
            alerts = list(self._queue)
            self._queue.clear()
            return alerts, self._incidents.standing()

    def _seconds_until_due(self) -> float | None:
        with self._lock:
            due_at = self._incidents.next_due_at()
        if due_at is None:
            return None
        return max(0.0, (due_at - self._clock.now()).total_seconds())

    def _keep(self, alerts: Sequence[Alert], standing: Sequence[Incident]) -> None:
        if self._book is None:
            return
        try:
            self._book.keep(alerts, standing)
        except CallAgentError as error:  # the channels of this process still tell it
            for alert in alerts:
                self._tell_failed("all", alert, error.message)

    def _tell_here(self, alert: Alert) -> None:
        """To each channel; one that fails leaves it to the others."""
        if alert.kind not in self._untold:
            for channel in self._channels:
                self._hand_to(channel, alert)

    def _hand_to(self, channel: AlertChannel, alert: Alert) -> None:
        try:
            channel.send(alert)
        except CallAgentError as error:
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

    def _give_up(self) -> None:
        with self._lock:
            left, standing = list(self._queue), self._incidents.standing()
            self._queue.clear()
        self._keep(left, standing)
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
