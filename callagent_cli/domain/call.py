"""One call: the attempt's states, the ticket that allows a dial, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from callagent_cli.domain.contact import Contact


class AttemptState(StrEnum):
    """claimed → dialing → placed → completed; see docs/architecture.md for every edge."""

    CLAIMED = "claimed"  # leased to a run; nothing was sent
    DIALING = "dialing"  # the point of no return: a request may leave from here on
    PLACED = "placed"  # the provider has the call
    COMPLETED = "completed"  # ended, with a disposition
    REFUSED = "refused"  # definitely no call
    RELEASED = "released"  # given back before anything was sent
    UNKNOWN = "unknown"  # in doubt: may have rung


OPEN_STATES = frozenset(
    {AttemptState.CLAIMED, AttemptState.DIALING, AttemptState.PLACED, AttemptState.UNKNOWN}
)

LEGAL_MOVES: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.CLAIMED: frozenset({AttemptState.DIALING, AttemptState.RELEASED}),
    AttemptState.DIALING: frozenset(
        {AttemptState.PLACED, AttemptState.REFUSED, AttemptState.UNKNOWN}
    ),
    AttemptState.PLACED: frozenset({AttemptState.COMPLETED}),
    AttemptState.UNKNOWN: frozenset(
        # completed and refused only by a named person
        {AttemptState.PLACED, AttemptState.COMPLETED, AttemptState.REFUSED}
    ),
    AttemptState.COMPLETED: frozenset(),
    AttemptState.REFUSED: frozenset(),
    AttemptState.RELEASED: frozenset(),
}


class Disposition(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Claim:
    """A contact leased to this run; nothing may be sent yet."""

    attempt_id: str  # random, no personal data: `ca_` + 26 characters
    attempt_no: int  # from 1, per contact and campaign
    campaign: str
    contact: Contact
    calls_made: int  # earlier attempts that rang or may have rung


@dataclass(frozen=True, slots=True)
class Ticket:
    """Proof that the intent to dial is on disk. `Ledger.begin` is its only source,
    and a Dialer takes nothing else: a dial without a committed intent does not type-check.
    """

    claim: Claim
    started_at: datetime  # aware UTC
    crm_id: str = ""  # of the contact, where the CRM was asked and knew it

    @property
    def attempt_id(self) -> str:
        return self.claim.attempt_id

    @property
    def phone(self) -> str:
        return self.claim.contact.phone


@dataclass(frozen=True, slots=True)
class Script:
    """What the agent is given for one call."""

    variables: Mapping[str, str]  # dynamic variables; cleaned, bounded
    is_degraded: bool = False  # a fallback stands in for a service that was down
    cost_usd: float | None = None  # of the wording; None: nothing was asked, or prices not known


@dataclass(frozen=True, slots=True)
class Draft:
    """What a Writer worded for one contact."""

    variables: Mapping[str, str]  # dynamic variables; cleaned, bounded
    cost_usd: float | None = None  # None: the prices are not known


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider has the call."""

    conversation_id: str
    carrier_id: str = ""
    since_s: float | None = None  # by this run's monotonic clock; None: not known to it


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call as the provider reports it at one moment."""

    conversation_id: str
    is_ended: bool
    phase: str = ""  # the provider's own word, cleaned
    disposition: Disposition = Disposition.UNKNOWN  # meaningful once ended
    started_at: datetime | None = None
    answered_at: datetime | None = None
    duration_s: float = 0.0
    cost_usd: float | None = None
    cost_credits: int | None = None
    summary: str = ""  # transcript summary, cleaned
    collected: Mapping[str, str] = field(default_factory=dict)  # data collection, cleaned
    error: str = ""  # the provider's reason, cleaned
    is_config_error: bool = False  # missing variable, override not allowed: every call would fail
    attempt_id: str = ""  # our id, echoed; empty when the provider does not show it


@dataclass(frozen=True, slots=True)
class Outcome:
    """The record of the end of an attempt."""

    disposition: Disposition
    ended_at: datetime
    duration_s: float = 0.0
    cost_usd: float | None = None
    summary: str = ""
    error: str = ""
    collected: Mapping[str, str] = field(default_factory=dict)
    is_config_error: bool = False  # every further call would fail the same way


# a call that the provider tells nothing about may be on for so long; nobody waits longer for it
UNTOLD_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Found:
    """The provider knows the attempt: one conversation or more carry its id."""

    conversation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """The provider's list was read to its end and has no such attempt. No proof of absence."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The list could not be read, or the filter could not be trusted."""

    reason: str
    is_passing: bool = False  # nothing was answered: asked later, it may be


Lookup = Found | NotFound | CannotTell
