"""Attempts in doubt: ask the provider whether it knows them.

Found is placed. Not found stays unknown, because absence is no proof: no look-up, however
often it comes back empty, makes a contact dialable. Only a named person does
(`callagent resolve`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from callagent_cli.campaign.attempt import Line, about, state_of
from callagent_cli.domain.call import (
    UNTOLD_FOR,
    CannotTell,
    Found,
    Lookup,
    NotFound,
    Placed,
    Ticket,
)
from callagent_cli.domain.errors import ErrorCategory, ServiceError
from callagent_cli.domain.event import EventName


@dataclass(frozen=True, slots=True)
class LookUp:
    """One look at the provider, due at a time on the monotonic clock."""

    ticket: Ticket
    look_no: int  # from 0
    due_s: float


def schedule(ticket: Ticket, delays_s: Sequence[float], now_s: float) -> LookUp | None:
    """The first look at an attempt that has just come into doubt."""
    return LookUp(ticket, 0, now_s + delays_s[0]) if delays_s else None


def next_look(look: LookUp, delays_s: Sequence[float]) -> LookUp | None:
    """The look after `look`; None when only a person can settle it."""
    upcoming = look.look_no + 1
    if upcoming >= len(delays_s):
        return None
    wait_s = delays_s[upcoming] - delays_s[look.look_no]
    return LookUp(look.ticket, upcoming, look.due_s + wait_s)


def look_up(line: Line, ticket: Ticket) -> Placed | None:
    """Ask once. What is found is recorded as placed, to be followed to its end."""
    answer = _ask(line, ticket)
    line.ledger.record_looked_up(ticket, is_counted=_is_counted(line, ticket, answer))
    match answer:
        case Found(conversation_ids):
            placed = Placed(conversation_ids[0])
            line.ledger.record_placed(ticket, placed)
            _tell(line, ticket, "placed", len(conversation_ids))
            return placed
        case NotFound():
            _tell(line, ticket, "not_found", 0)
        case CannotTell(reason):
            _tell(line, ticket, "cannot_tell", 0, reason)
    return None


def _ask(line: Line, ticket: Ticket) -> Lookup:
    """The delays between the looks are their retry."""
    try:
        return line.guard.call(
            lambda: line.dialer.find(ticket),
            operation="look_up",
            retries=0,
            is_proof=False,  # calls may be listed while none can be placed
            fields=about(ticket.claim),
        )
    except ServiceError as error:
        is_passing = error.category is not ErrorCategory.PERMANENT
        return CannotTell(error.message, is_passing=is_passing)


def _is_counted(line: Line, ticket: Ticket, answer: Lookup) -> bool:
    """A provider that is away has told nothing, so the call may be on for all that is known. But
    nobody waits for its answer without end."""
    is_unanswered = isinstance(answer, CannotTell) and answer.is_passing
    return not is_unanswered or line.clock.now() - ticket.started_at > UNTOLD_FOR


def _tell(line: Line, ticket: Ticket, verdict: str, matches: int, error: str = "") -> None:
    line.emit(
        EventName.CALL_RECONCILED,
        **about(ticket.claim),
        service=line.dialer.service,
        verdict=verdict,
        matches=matches,  # more than one: the provider placed it twice, and a person must know
        error=error or None,
        **state_of(line),
    )
