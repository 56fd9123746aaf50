"""Takes what is owed to CRM, sheet and alert channels there, each on a thread of its own.

Called by: campaign.session while a run is on, `callagent deliveries flush` without one.
Invariants: a destination gets its messages in the order in which they became owed; a message is
gone from the ledger's queue only when its destination took it, or when a person is told that it
never will. Nothing here can delay a call.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from callagent_cli.domain.clock import Clock, Signal, Task
from callagent_cli.domain.delivery import Delivery, Destination
from callagent_cli.domain.errors import (
    CallAgentError,
    CircuitOpen,
    ContactError,
    Interrupted,
    LedgerError,
    ServiceError,
    ServiceRefused,
)
from callagent_cli.domain.event import Emit, Event, EventName, FieldValue
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.outbox import Due
from callagent_cli.ledger.store import Ledger
from callagent_cli.resilience.guard import Guard

_OFF_DUTY_S = 1.0  # before another look at who is to deliver
_PAUSES_S = (60.0, 120.0, 300.0, 900.0, 3600.0)  # after a message's first, second … failed try


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one destination."""

    destination: Destination
    guard: Guard
    wakes_on: frozenset[EventName] = frozenset()  # facts that owe it something
    gather_s: float = 0.0  # more may come meanwhile, so that one request takes many
    is_alert: bool = False  # it tells a person: `alert.sent` instead of `delivery.sent`

    @property
    def name(self) -> str:
        return self.destination.name


class Postman:
    """Serves one route."""

    def __init__(
        self,
        route: Route,
        ledger: Ledger,
        clock: Clock,
        emit: Emit,
        stop: Signal,
        most_tries: int,
        is_on_duty: Callable[[], bool],
    ) -> None:
        self.route, self._is_on_duty = route, is_on_duty
        self._ledger, self._clock, self._emit = ledger, clock, emit
        self._stop, self._most_tries = stop, most_tries
        self._news, self._closing = clock.signal(), clock.signal()
        self._is_eager = False  # the destination is back: what was put off is due

    def nudge(self) -> None:
        """There may be something new to deliver."""
        self._news.set()

    def hurry(self) -> None:
        """What was put off may work now."""
        self._is_eager = True
        self._news.set()

    def close(self) -> None:
        """Deliver what can be delivered now, then end."""
        self._closing.set()
        self.hurry()

    def run(self) -> None:
        """Deliver until closed. A ledger that fails ends it: what is owed stays owed."""
        try:
            self._work()
        except LedgerError as error:
            self._tell_failed((), error)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            is_last = self._closing.is_set()  # asked first: what was owed by then is delivered
            wait_s = self._deliver_what_is_due()
            if is_last:
                return
            self._news.wait(wait_s)
            if self.route.gather_s:
                self._closing.wait(self.route.gather_s)

    def _deliver_what_is_due(self) -> float | None:
        """Seconds until something may be due; None: until there is news."""
        route, breaker = self.route, self.route.guard.breaker
        while not self._stop.is_set():
            if not self._is_on_duty():
                return _OFF_DUTY_S
            now, most = self._clock.now(), route.destination.most_at_once
            due = self._ledger.due(route.name, now, most=most, early=self._is_eager)
            if not due.ids:
                return (due.next_at - now).total_seconds() if due.next_at else None
            if not breaker.admits():
                return breaker.seconds_until_trial()
            if not self._hand_over(due):
                self._is_eager = False
                if self._closing.is_set():
                    return None
        return None

    def _hand_over(self, due: Due) -> bool:
        """One request, and what its answer means. False: this destination takes nothing now."""
        self._ledger.mark_trying(due.ids)
        route = self.route
        try:
            route.guard.call(
                lambda: route.destination.deliver(due.deliveries),
                operation="deliver",
                fields={"messages": len(due.ids)},
            )
        except (CircuitOpen, Interrupted) as error:
            if isinstance(error, CircuitOpen):
                self._ledger.take_back(due.ids, error.message)  # nothing was sent
            return False
        except ServiceRefused as error:
            self._ledger.take_back(due.ids, one_line(error.message))
            self._tell_failed(due.deliveries, error)
            return False
        except ContactError as error:
            return self._not_taken(due, error)
        except ServiceError as error:
            return self._put_off(due, error)
        self._ledger.mark_sent(due.ids)
        self._tell_sent(due.deliveries)
        return True

    def _not_taken(self, due: Due, error: ContactError) -> bool:
        """Permanent for one of them. Of several, each is asked for alone."""
        if len(due.ids) > 1:
            alone = zip(due.ids, due.deliveries, strict=True)
            return all(self._hand_over(Due((one,), (delivery,))) for one, delivery in alone)
        self._bury(due, error)
        return True

    def _put_off(self, due: Due, error: ServiceError) -> bool:
        tries = due.deliveries[0].earlier_tries + 1
        if tries >= self._most_tries:
            head = Due(due.ids[:1], due.deliveries[:1])
            self._bury(head, error)
            return True
        pause_s = _PAUSES_S[min(tries, len(_PAUSES_S)) - 1]
        next_at = self._clock.now() + timedelta(seconds=pause_s)
        self._ledger.mark_failed(due.ids, one_line(error.message), next_at)
        self._tell_failed(due.deliveries, error, next_retry_s=pause_s)
        return False

    def _bury(self, due: Due, error: ServiceError) -> None:
        self._ledger.mark_dead(due.ids, one_line(error.message))
        self._tell(EventName.DELIVERY_DEAD_LETTERED, due.deliveries, error)

    def _tell_sent(self, deliveries: Collection[Delivery]) -> None:
        self._tell(EventName.DELIVERY_SENT, deliveries, None)

    def _tell_failed(
        self, deliveries: Collection[Delivery], error: CallAgentError, **more: FieldValue
    ) -> None:
        self._tell(EventName.DELIVERY_FAILED, deliveries, error, **more)

    def _tell(
        self,
        name: EventName,
        deliveries: Collection[Delivery],
        error: CallAgentError | None,
        **more: FieldValue,
    ) -> None:
        snapshot = self.route.guard.snapshot()
        told: dict[str, FieldValue] = {
            "service": self.route.name,
            "breaker_state": snapshot.breaker_state.value,
            "retry_count": snapshot.retries,
            "messages": len(deliveries),
            "key": next((delivery.key for delivery in deliveries), None),
            **more,
        }
        if error is not None:
            told["error"] = one_line(error.message)
        if isinstance(error, ServiceError):
            told |= {"error_category": error.category.value, "http_status": error.http_status}
        self._emit(name, **told)
        if self.route.is_alert and name is not EventName.DELIVERY_DEAD_LETTERED:
            self._tell_alerts(deliveries, is_sent=error is None, error=told.get("error"))

    def _tell_alerts(
        self, deliveries: Collection[Delivery], *, is_sent: bool, error: FieldValue
    ) -> None:
        for delivery in deliveries:
            self._emit(
                EventName.ALERT_SENT if is_sent else EventName.ALERT_FAILED,
                channel=self.route.name,
                kind=str(delivery.payload.get("kind", "")),
                title=str(delivery.payload.get("title", "")),
                alert_key=delivery.key,
                error=error,
            )


class Deliveries:
    """All routes of a run; a Listener that wakes the ones that a fact owes something."""

    def __init__(
        self,
        routes: Sequence[Route],
        ledger: Ledger,
        clock: Clock,
        emit: Emit,
        *,
        stop: Signal,
        most_tries: int,
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """stop: also that of the routes' guards; ends their waits. is_on_duty: of several
        processes only one delivers."""
        self._clock, self._ledger, self._stop = clock, ledger, stop
        self._postmen = [
            Postman(route, ledger, clock, emit, stop, most_tries, is_on_duty) for route in routes
        ]
        self._tasks: list[Task] = []

    def stop(self) -> None:
        """End the waits; requests on their way are settled."""
        self._stop.set()

    @property
    def routes(self) -> list[Route]:
        return [postman.route for postman in self._postmen]

    def __call__(self, event: Event) -> None:
        for postman in self._postmen:
            if event.name in postman.route.wakes_on:
                postman.nudge()
            elif event.fields.get("service") == postman.route.name:
                match event.name:
                    case EventName.BREAKER_CLOSED:
                        postman.hurry()
                    case EventName.HEALTH_PASSED:
                        postman.nudge()

    def nudge(self, names: Collection[str]) -> None:
        """Something became owed to these destinations."""
        for postman in self._postmen:
            if postman.route.name in names:
                postman.nudge()

    def start(self) -> None:
        self._tasks = [
            self._clock.spawn(f"deliver-{postman.route.name}", postman.run)
            for postman in self._postmen
        ]

    def flush(self, timeout_s: float) -> dict[str, int]:
        """Deliver what can be delivered within `timeout_s` seconds, and end. Returns what is
        still owed, by destination."""
        if not self._tasks:
            self.start()
        until_s = self._clock.monotonic() + timeout_s
        for postman in self._postmen:
            postman.close()
        for task in self._tasks:
            task.join(max(0.0, until_s - self._clock.monotonic()))
        self._stop.set()
        return self._ledger.owed_by_destination()
