"""What happened: a closed list of past facts, and the shape in which they travel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

FieldValue = str | int | float | bool | None


class EventName(StrEnum):
    RUN_STARTED = "run.started"
    RUN_FINISHED = "run.finished"
    RUN_HALTED = "run.halted"  # too many calls fail
    CONTACT_REJECTED = "contact.rejected"
    CONTACT_SKIPPED = "contact.skipped"
    CONTACT_HELD = "contact.held"
    CONTACT_DEFERRED = "contact.deferred"
    CONTACT_FAILED = "contact.failed"
    CONTACT_EXHAUSTED = "contact.exhausted"
    CONTACT_OPTED_OUT = "contact.opted_out"  # wants no more calls: on the do-not-call list
    NUMBER_SUPPRESSED = "number.suppressed"  # put on the do-not-call list by hand
    NUMBER_RELEASED = "number.released"  # taken off it by hand
    PERSON_FORGOTTEN = "person.forgotten"  # erased by hand
    LIST_IMPORTED = "list.imported"
    CALL_PLACED = "call.placed"
    CALL_ENDED = "call.ended"
    CALL_REFUSED = "call.refused"
    CALL_IN_DOUBT = "call.in_doubt"
    CALL_RECONCILED = "call.reconciled"
    CALL_RESOLVED = "call.resolved"
    REQUEST_FAILED = "request.failed"
    RETRY_SCHEDULED = "retry.scheduled"
    RETRY_EXHAUSTED = "retry.exhausted"
    BREAKER_OPENED = "breaker.opened"
    BREAKER_HALF_OPENED = "breaker.half_opened"
    BREAKER_CLOSED = "breaker.closed"
    BREAKER_HELD = "breaker.held"  # by a person, with `callagent breaker open`
    BREAKER_RELEASED = "breaker.released"
    HEALTH_FAILED = "health.failed"
    HEALTH_PASSED = "health.passed"
    ALERT_SENT = "alert.sent"
    ALERT_FAILED = "alert.failed"
    DELIVERY_SENT = "delivery.sent"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_DEAD_LETTERED = "delivery.dead_lettered"
    FALLBACK_USED = "fallback.used"
    METRICS_FAILED = "metrics.failed"
    SERVICE_ANSWERED = "service.answered"  # for the first time in a run
    WORKER_STARTED = "worker.started"  # a process of a fleet
    WORKER_STOPPED = "worker.stopped"
    LEADER_ELECTED = "leader.elected"  # it probes, tells people and delivers
    LEDGER_LOST = "ledger.lost"  # a worker begins anew when it answers
    LEDGER_MISSED = "ledger.missed"  # it has been lost for so long that a person is told
    LEDGER_FOUND = "ledger.found"
    ORDER_OPENED = "order.opened"  # the fleet works on a campaign
    ORDER_PAUSED = "order.paused"
    ORDER_RESUMED = "order.resumed"
    ORDER_CLOSED = "order.closed"


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LEVEL_OF: Mapping[EventName, Level] = {
    EventName.RUN_HALTED: Level.ERROR,
    EventName.CONTACT_REJECTED: Level.WARNING,
    EventName.CONTACT_FAILED: Level.ERROR,
    EventName.CALL_REFUSED: Level.WARNING,
    EventName.CALL_IN_DOUBT: Level.ERROR,
    EventName.REQUEST_FAILED: Level.WARNING,
    EventName.RETRY_SCHEDULED: Level.WARNING,
    EventName.RETRY_EXHAUSTED: Level.ERROR,
    EventName.BREAKER_OPENED: Level.ERROR,
    EventName.HEALTH_FAILED: Level.WARNING,
    EventName.ALERT_FAILED: Level.WARNING,
    EventName.DELIVERY_FAILED: Level.WARNING,
    EventName.DELIVERY_DEAD_LETTERED: Level.ERROR,
    EventName.FALLBACK_USED: Level.WARNING,
    EventName.METRICS_FAILED: Level.WARNING,
    EventName.SERVICE_ANSWERED: Level.DEBUG,
    EventName.LEDGER_LOST: Level.WARNING,
    EventName.LEDGER_MISSED: Level.ERROR,
}  # every other event is INFO

# what shows that a service does what it is there for
PROOFS = frozenset({EventName.SERVICE_ANSWERED, EventName.CALL_PLACED, EventName.DELIVERY_SENT})


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `fields` holds only names of INTERFACE section 6 and a few more, never None."""

    name: EventName
    at: datetime  # aware UTC
    level: Level
    fields: Mapping[str, FieldValue]


class Emit(Protocol):
    """Tell a fact. Never raises, never waits for the network. None-valued fields are dropped."""

    def __call__(self, name: EventName, /, **fields: FieldValue) -> None: ...


class Listener(Protocol):
    """Hears every event, in order. What it raises is contained by the emitter."""

    def __call__(self, event: Event, /) -> None: ...
