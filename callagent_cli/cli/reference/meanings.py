"""What the names that users meet mean, one line each."""

from collections.abc import Mapping

from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.domain.call import AttemptState, Disposition
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.event import EventName
from callagent_cli.domain.snapshot import BreakerState

EXIT_STATUSES: Mapping[ExitStatus, str] = {
    ExitStatus.DONE: "done: every contact is final, or nothing was due",
    ExitStatus.BUG: "unexpected error (a bug); in `simulate`: a promise did not hold",
    ExitStatus.USAGE: "usage, config or input error; nothing was dialled",
    ExitStatus.FAILED: "every contact is final, at least one failed technically",
    ExitStatus.RESUMABLE: "stopped with contacts left: the same command goes on",
    ExitStatus.REFUSED: "refused until a person acts: credentials, quota, money, agent",
    ExitStatus.IN_DOUBT: "calls in doubt wait for `callagent review`",
    ExitStatus.BUSY: "another run holds the ledger; nothing was dialled",
    ExitStatus.HUP: "interrupted by HUP (the terminal was closed); the same command goes on",
    ExitStatus.INT: "interrupted by INT (Ctrl-C); the same command goes on",
    ExitStatus.TERM: "interrupted by TERM; the same command goes on",
}

CONTACT_STATES: Mapping[ContactState, str] = {
    ContactState.PENDING: "may be called when its turn comes",
    ContactState.IN_PROGRESS: "is being called, or was when its run died",
    ContactState.HELD: "outside its hours, or something is missing: the reason says what",
    ContactState.DEFERRED: "put back: a service is down, or the next call is due later",
    ContactState.COMPLETED: "reached, or settled for good",
    ContactState.EXHAUSTED: "not reached, and no calls are left",
    ContactState.FAILED: "failed technically: `callagent retry` puts it back in the queue",
    ContactState.SKIPPED: "will not be called: the reason says why",
    ContactState.NEEDS_REVIEW: "a call may have rung, and nobody knows: `callagent review`",
}

ATTEMPT_STATES: Mapping[AttemptState, str] = {
    AttemptState.CLAIMED: "leased to a run; nothing was sent",
    AttemptState.DIALING: "on disk before the request: from here on a phone may ring",
    AttemptState.PLACED: "the provider has the call",
    AttemptState.COMPLETED: "ended, with a disposition",
    AttemptState.REFUSED: "certainly no call",
    AttemptState.RELEASED: "given back before anything was sent",
    AttemptState.UNKNOWN: "in doubt: may have rung; never dialled again by itself",
}

DISPOSITIONS: Mapping[Disposition, str] = {
    Disposition.ANSWERED: "a person answered",
    Disposition.NO_ANSWER: "nobody picked up",
    Disposition.BUSY: "the line was busy",
    Disposition.VOICEMAIL: "a machine answered",
    Disposition.FAILED: "the call failed technically",
    Disposition.UNKNOWN: "it ended, and nobody knows how; counts as a call, no redial",
}

BREAKER_STATES: Mapping[BreakerState, str] = {
    BreakerState.CLOSED: "requests go through",
    BreakerState.OPEN: "the service is down: nothing is sent but health checks",
    BreakerState.HALF_OPEN: "one trial request is let through",
    BreakerState.FORCED_OPEN: "an operator holds it open: `callagent breaker close` lifts it",
}

EVENTS: Mapping[EventName, str] = {
    EventName.RUN_STARTED: "a run began",
    EventName.RUN_FINISHED: "a run ended, with its exit status and reason",
    EventName.WORKER_STARTED: "a worker began to work on a campaign",
    EventName.WORKER_STOPPED: "it ended its work on it",
    EventName.LEADER_ELECTED: "this process probes, tells people and delivers, for the fleet",
    EventName.LEDGER_LOST: "a worker lost the ledger's server; it begins anew when it answers",
    EventName.LEDGER_MISSED: "it has been lost for so long that a person is told",
    EventName.LEDGER_FOUND: "the ledger's server answers again",
    EventName.ORDER_OPENED: "the fleet works on a campaign",
    EventName.ORDER_PAUSED: "no further call of it is begun, on any host",
    EventName.ORDER_RESUMED: "a person lets it go on",
    EventName.ORDER_CLOSED: "the fleet has done with it, for the reason given",
    EventName.RUN_HALTED: "too many calls failed: no further one is begun",
    EventName.CONTACT_REJECTED: "a row cannot be used: line, column and reason",
    EventName.CONTACT_SKIPPED: "will not be called, for the reason given",
    EventName.CONTACT_HELD: "not now, for the reason given; `next_at` where it is known",
    EventName.CONTACT_DEFERRED: "put back until a service is up again",
    EventName.CONTACT_FAILED: "failed technically; certainly no call",
    EventName.CONTACT_EXHAUSTED: "no calls are left",
    EventName.CONTACT_OPTED_OUT: "asked in a call for no more calls: on the do-not-call list",
    EventName.NUMBER_SUPPRESSED: "put on the do-not-call list by hand",
    EventName.NUMBER_RELEASED: "taken off the do-not-call list by a named person",
    EventName.PERSON_FORGOTTEN: "a person was erased; it does not say who",
    EventName.LIST_IMPORTED: "a do-not-call list was imported",
    EventName.CALL_PLACED: "the provider took the call",
    EventName.CALL_ENDED: "the call ended, with its disposition",
    EventName.CALL_REFUSED: "the provider refused; certainly no call",
    EventName.CALL_IN_DOUBT: "the answer was lost: a phone may have rung",
    EventName.CALL_RECONCILED: "a call in doubt was looked up at the provider",
    EventName.CALL_RESOLVED: "a person settled a call in doubt",
    EventName.REQUEST_FAILED: "one request failed",
    EventName.RETRY_SCHEDULED: "the same request follows in `next_retry_s`",
    EventName.RETRY_EXHAUSTED: "no request is left for this operation",
    EventName.BREAKER_OPENED: "a service is taken for down",
    EventName.BREAKER_HALF_OPENED: "a trial request may show that it is back",
    EventName.BREAKER_CLOSED: "it is back",
    EventName.BREAKER_HELD: "a person holds it open: by whom and why",
    EventName.BREAKER_RELEASED: "a person lifted it",
    EventName.HEALTH_FAILED: "a health check failed",
    EventName.HEALTH_PASSED: "a health check passed",
    EventName.ALERT_SENT: "a person was told",
    EventName.ALERT_FAILED: "a channel did not take an alert",
    EventName.DELIVERY_SENT: "CRM, sheet or channel took a message",
    EventName.DELIVERY_FAILED: "it did not; the message is kept and tried again",
    EventName.DELIVERY_DEAD_LETTERED: "given up: `callagent deliveries list`",
    EventName.FALLBACK_USED: "the call went on without CRM or LLM",
    EventName.METRICS_FAILED: "the metrics_file cannot be written; told once a run",
    EventName.SERVICE_ANSWERED: "a service answered for the first time in this run",
}
