"""What the ledger hands out: small frozen rows, no SQL in sight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callagent_cli.domain.call import Ticket
from callagent_cli.domain.contact import Contact, ContactState
from callagent_cli.domain.suppression import Suppression


@dataclass(frozen=True, slots=True)
class NextStep:
    """Where a contact goes when an attempt, or the thought of one, is over."""

    state: ContactState
    next_at: datetime | None = None  # aware UTC; when it is due again
    reason: str = ""  # for people: why it is where it is
    is_transient: bool = False  # a FAILED contact that the next run takes up again


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that is due, with the history that eligibility needs."""

    contact: Contact
    calls_made: int  # attempts of this campaign that rang or may have rung
    last_call_at: datetime | None  # of this number, in any campaign
    calls_at: tuple[datetime, ...] = ()  # every call of the number, in any campaign; oldest first
    last_conversation_at: datetime | None = None  # when the last one ended that was answered
    has_asked: bool = False  # in the last call, to be called again
    suppressed: Suppression | None = None  # on the do-not-call list


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a contact stands in a campaign; an empty state: the campaign does not know it."""

    candidate: Candidate
    state: str = ""
    reason: str = ""
    next_at: datetime | None = None
    is_transient: bool = False


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Calls of a campaign that ended, summed up."""

    calls: int
    answered: int
    talk_s: float  # of those that were answered
    cost_usd: float  # of those


@dataclass(frozen=True, slots=True)
class ImportCounts:
    new: int = 0
    changed: int = 0  # known, not yet dialled: variables renewed
    known: int = 0  # as they were
    duplicates: int = 0  # same number again in the same file
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a dead run left behind, settled."""

    released: int = 0  # claims given back: nothing had been sent
    in_doubt: int = 0  # attempts found in `dialing`: now `unknown`


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call the provider has and nobody has followed to its end yet."""

    ticket: Ticket
    conversation_id: str


@dataclass(frozen=True, slots=True)
class DoubtfulAttempt:
    """An attempt that may have rung."""

    ticket: Ticket
    error: str  # what was seen
    looked_up: int  # times the provider was asked, and answered
    last_looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    attempt_id: str
    attempt_no: int
    state: str
    conversation_id: str | None
    started_at: datetime | None
    ended_at: datetime | None
    disposition: str | None
    error: str | None
    error_category: str | None
    cost_usd: float | None = None
    duration_s: float | None = None
    summary: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)
    collected: Mapping[str, object] = field(default_factory=dict)  # in the call
    looked_up: int = 0  # times the provider answered, of one in doubt
    resolved_by: str = ""  # who settled one in doubt
    note: str = ""  # of that person


@dataclass(frozen=True, slots=True)
class ContactRow:
    contact: Contact
    state: str
    disposition: str | None  # of the last completed attempt
    next_at: datetime | None
    reason: str
    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True)
class EndedCall:
    """What a report counts of one call."""

    attempt_no: int
    started_at: datetime | None
    disposition: str
    cost_usd: float | None
    phone: str
    timezone: str  # of the contacts file; empty: none
    zones: tuple[str, ...]  # in which the dial was allowed; empty: no calling window


@dataclass(frozen=True, slots=True)
class RunRow:
    run_id: str
    started_at: datetime
    seen_at: datetime  # last sign of life
    ended_at: datetime | None
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class IncidentRow:
    service: str
    is_refusal: bool
    opened_at: datetime
    closed_at: datetime | None  # None: still open
    error: str
    reminders: int


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert and one of the channels it was owed to."""

    at: datetime
    key: str  # `kind:what`
    channel: str
    state: str  # owed, sent, dead, dropped
