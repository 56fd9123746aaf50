"""How a run ended: its exit status, its reason, and what the next run would do.

Pure: decides from the ledger's counts. The statuses are INTERFACE section 2; where several
hold, refusal comes first, then doubt, then contacts left, then failures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.campaign.agenda import RunEnd
from callagent_cli.campaign.summary import FailureCause
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import ErrorCategory


@dataclass(frozen=True, slots=True)
class Ending:
    exit_status: int
    reason: str
    is_planned: bool = False  # nothing kept the run from doing what it was told to do


def remaining(totals: Mapping[str, int]) -> int:
    """Contacts that are not final."""
    waiting = (
        ContactState.PENDING,
        ContactState.IN_PROGRESS,
        ContactState.HELD,
        ContactState.DEFERRED,
        ContactState.NEEDS_REVIEW,
    )
    return sum(totals.get(state, 0) for state in waiting)


def end_of(
    totals: Mapping[str, int],
    *,
    end: RunEnd | None,
    redials_later: int,
    without_date: int = 0,
    is_restricted: bool,
) -> Ending:
    """redials_later: deferred contacts that are due at a later time, which is no failure.
    without_date: held contacts that wait for a person to add or mend something.
    is_restricted: the run was told to look at some contacts only."""
    left = remaining(totals) - redials_later - totals.get(ContactState.NEEDS_REVIEW, 0)
    in_doubt = totals.get(ContactState.NEEDS_REVIEW, 0)
    if end is not None and end.is_refused:
        return Ending(5, end.reason)
    if in_doubt:
        doubt = f"{in_doubt} {_calls(in_doubt)} in doubt: a person must look"
        return Ending(6, f"{doubt}; and {end.reason}" if end is not None and left else doubt)
    if end is not None and left:
        return Ending(4, end.reason, is_planned=end.is_limit)
    if left and not is_restricted:
        why = _why_left(totals, left, without_date)
        is_planned = totals.get(ContactState.HELD, 0) == left
        return Ending(4, f"{left} {_contacts(left)} {why}", is_planned=is_planned)
    if failed := totals.get(ContactState.FAILED, 0):
        return Ending(3, f"{failed} {_contacts(failed)} failed technically", is_planned=True)
    if redials_later:
        later = f"{redials_later} to be called again later"
        return Ending(0, f"nothing more is due now; {later}", is_planned=True)
    return Ending(0, "every contact is settled", is_planned=True)


def _why_left(totals: Mapping[str, int], left: int, without_date: int) -> str:
    if totals.get(ContactState.HELD, 0) != left:
        return "not settled yet"
    if without_date == left:
        return "held until a person adds what is missing: `callagent report` says what"
    also = f", {without_date} of them until a person adds what is missing" if without_date else ""
    return f"held until a later time{also}"


def causes(campaign: str, failures: list[tuple[str, str, int]]) -> tuple[FailureCause, ...]:
    """failures: (error, category, contacts), most frequent first."""
    return tuple(
        FailureCause(error, contacts, _remedy(category, campaign))
        for error, category, contacts in failures
    )


def _remedy(category: str, campaign: str) -> str:
    match category:
        case ErrorCategory.TRANSIENT:
            return "no phone rang; the next run calls them again"
        case ErrorCategory.THROTTLED:
            return "lower campaign.concurrency or raise the plan's limit; the next run goes on"
        case ErrorCategory.AMBIGUOUS:
            return "may have rung: `callagent review` lists them"
        case _:
            return f"correct the contact or the agent, then `callagent retry {campaign} --failed`"


def next_run(totals: Mapping[str, int], next_at: datetime | None, retried: int) -> str:
    """What the same command would do, in one sentence."""
    due = sum(
        totals.get(state, 0)
        for state in (ContactState.PENDING, ContactState.IN_PROGRESS, ContactState.DEFERRED)
    )
    held = totals.get(ContactState.HELD, 0)
    parts = []
    if due + retried:
        parts.append(f"goes on with {due + retried} {_contacts(due + retried)}")
    if held:
        parts.append(f"looks again at {held} held")
    if not parts:
        return "would dial nobody"
    when = f", the first due at {next_at:%Y-%m-%d %H:%M} UTC" if next_at else ""
    return " and ".join(parts) + when


def _contacts(n: int) -> str:
    return "contact" if n == 1 else "contacts"


def _calls(n: int) -> str:
    return "call" if n == 1 else "calls"
