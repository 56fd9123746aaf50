"""One call attempt: dial it, follow it to its end, and write each step down as it happens.

Called by: campaign.runner. Never raises for what one contact or one service does: that is a
value. Invariants: the intent is on disk before the first byte; only answers that show that
nothing was dialled are followed by another request, and the provider is asked for the attempt
before it; what is unclear is `unknown`, never failed and never dialled again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from callagent_cli.campaign.owing import Owing
from callagent_cli.campaign.refusals import category_of, step_after_refusal
from callagent_cli.domain.call import (
    Claim,
    Conversation,
    Disposition,
    Found,
    Outcome,
    Placed,
    Script,
    Ticket,
)
from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.contact import ContactState, mask_phone
from callagent_cli.domain.errors import (
    AmbiguousError,
    CallAgentError,
    ContactError,
    GateClosed,
    Interrupted,
    ServiceError,
    ServiceRefused,
)
from callagent_cli.domain.event import Emit, EventName, FieldValue
from callagent_cli.domain.ports import Dialer
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from callagent_cli.resilience.guard import Guard


def _nothing() -> None:
    """Nobody takes a run alone for dead."""


@dataclass(frozen=True, slots=True)
class Line:
    """What an attempt needs of the world."""

    dialer: Dialer
    guard: Guard
    ledger: Ledger
    clock: Clock
    stop: Signal
    emit: Emit
    owing: Owing
    run_id: str
    own_tries: int  # requests one dial may make in all
    threshold: int  # failures that open the dialler's breaker
    fence: Callable[[], None] = _nothing  # before each request; raises GateClosed for the dead


@dataclass(frozen=True, slots=True)
class FollowRules:
    """How long and how often a running call is looked at, in seconds."""

    poll_interval_s: float
    longest_call_s: Callable[[], float]  # ringing, conversation and processing; known in time
    patience_s: float  # how long unanswered reads are borne before the next run goes on


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """Definitely no call; `step` is where the contact went."""

    error: CallAgentError
    step: NextStep


@dataclass(frozen=True, slots=True)
class InDoubt:
    """May have rung. The contact waits for a look-up or a person."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class LeftRunning:
    """The provider has the call; the next run follows it on. `error` says why, if anything."""

    error: CallAgentError | None = None


def about(claim: Claim) -> dict[str, FieldValue]:
    """The fields that every event about an attempt carries."""
    return {
        "contact_id": claim.contact.id,
        "phone": mask_phone(claim.contact.phone),
        "attempt_id": claim.attempt_id,
        "attempt_no": claim.attempt_no,
    }


def dial(
    line: Line,
    claim: Claim,
    script: Script,
    evidence: Mapping[str, object],
    gate: Callable[[], object],
) -> tuple[Ticket, Placed | NotPlaced | InDoubt]:
    """Commit the intent, send the request, write down what its answer means.

    gate: called again before any further request; raises GateClosed.
    """
    ticket = line.ledger.begin(claim, evidence, run_id=line.run_id)
    try:
        placed = line.guard.call(
            lambda: _place(line, ticket, script),
            operation="dial",
            before_retry=lambda: _look_first(line, ticket, gate),
            fields=about(claim),
        )
    except AmbiguousError as error:
        return ticket, _doubt(line, ticket, error)
    except (ServiceError, GateClosed, Interrupted) as error:
        return ticket, _refuse(line, ticket, error)
    placed = replace(placed, since_s=line.clock.monotonic())
    facts: dict[str, FieldValue] = {
        **about(claim),
        "service": line.dialer.service,
        "conversation_id": placed.conversation_id,
        **state_of(line),
    }
    row = line.owing.row(EventName.CALL_PLACED, line.clock.now(), facts)
    line.ledger.record_placed(ticket, placed, row)
    line.emit(EventName.CALL_PLACED, **facts)
    return ticket, placed


def _place(line: Line, ticket: Ticket, script: Script) -> Placed:
    line.fence()
    return line.dialer.place(ticket, script)


def _look_first(line: Line, ticket: Ticket, gate: Callable[[], object]) -> Placed | None:
    """Before a second POST: are the gates still open, and did the first one ring after all?

    A look-up that fails changes nothing: the answer before it showed that nothing was dialled.
    """
    gate()
    try:
        answer = line.dialer.find(ticket)
    except ServiceError:
        return None
    return Placed(answer.conversation_ids[0]) if isinstance(answer, Found) else None


def _doubt(line: Line, ticket: Ticket, error: AmbiguousError) -> InDoubt:
    facts = _failure(line, ticket, error)
    row = line.owing.row(EventName.CALL_IN_DOUBT, line.clock.now(), facts)
    line.ledger.record_unknown(ticket, error=error.message, owed=row)
    line.emit(EventName.CALL_IN_DOUBT, **facts)
    return InDoubt(ticket)


def _refuse(line: Line, ticket: Ticket, error: CallAgentError) -> NotPlaced:
    step = step_after_refusal(error, own_tries=line.own_tries, threshold=line.threshold)
    facts = _failure(line, ticket, error)
    facts["tries"] = error.tries if isinstance(error, ServiceError) else 0
    name = {
        ContactState.FAILED: EventName.CONTACT_FAILED,
        ContactState.DEFERRED: EventName.CONTACT_DEFERRED,
    }.get(step.state, EventName.CALL_REFUSED)
    line.ledger.record_refused(
        ticket,
        error=error.message,
        category=category_of(error),
        step=step,
        owed=line.owing.row(name, line.clock.now(), facts),
    )
    line.emit(name, **facts)
    return NotPlaced(error, step)


def _failure(line: Line, ticket: Ticket, error: CallAgentError) -> dict[str, FieldValue]:
    return {
        **about(ticket.claim),
        "service": line.dialer.service,
        "error": error.message,
        "error_category": category_of(error),
        "http_status": error.http_status if isinstance(error, ServiceError) else None,
        **state_of(line),
    }


def state_of(line: Line) -> dict[str, FieldValue]:
    """The true values that a line about a service must have."""
    snapshot = line.guard.snapshot()
    return {"breaker_state": snapshot.breaker_state.value, "retry_count": snapshot.retries}


def follow(
    line: Line,
    ticket: Ticket,
    conversation_id: str,
    rules: FollowRules,
    saw: Callable[[Conversation], None],
    since_s: float | None = None,
) -> Outcome | LeftRunning:
    """Read the call until it has ended. Errors of a read never change the call's outcome; they
    only delay it.

    saw: told of each reading, for the live view. since_s: when the provider took the call, by the
    monotonic clock; None: an earlier run knows.
    """
    began = answered = line.clock.monotonic() if since_s is None else since_s
    looks = 0
    while True:
        if line.stop.wait(_pause_s(rules, line.clock.monotonic() - began, looks)):
            return LeftRunning()
        looks += 1
        try:
            conversation = line.guard.call(
                lambda: line.dialer.read(conversation_id),
                operation="read",
                retries=0,
                is_proof=False,  # calls may be readable while none can be placed
                fields=about(ticket.claim),
            )
        except (Interrupted, ServiceRefused) as error:
            return LeftRunning(error)
        except ContactError as error:
            if line.clock.monotonic() - began > rules.longest_call_s():
                return _never_told(line, error.message)
            continue
        except ServiceError as error:
            if line.clock.monotonic() - answered > rules.patience_s:
                return LeftRunning(error)
            continue
        answered = line.clock.monotonic()
        saw(conversation)
        if conversation.is_ended:
            return outcome_of(conversation, line.clock)
        if answered - began > rules.longest_call_s():
            return _never_told(line, "the provider reported no end of the call")


def _pause_s(rules: FollowRules, age_s: float, looks: int) -> float:
    """Young calls are watched closely; a long one is not asked every five seconds."""
    if looks == 0:  # what was written down meanwhile is part of the pause
        return max(0.0, rules.poll_interval_s - age_s)
    return min(max(rules.poll_interval_s, age_s / 10), 30.0)


def _never_told(line: Line, why: str) -> Outcome:
    return Outcome(Disposition.UNKNOWN, line.clock.now(), error=why)


def outcome_of(conversation: Conversation, clock: Clock) -> Outcome:
    return Outcome(
        disposition=conversation.disposition,
        ended_at=clock.now(),
        duration_s=conversation.duration_s,
        cost_usd=conversation.cost_usd,
        summary=conversation.summary,
        error=conversation.error,
        collected=conversation.collected,
        is_config_error=conversation.is_config_error,
    )
