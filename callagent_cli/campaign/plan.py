"""What a run would do, before it does anything: who is called when, who is not, and why.

Reads only; places nothing. The verdicts are the run's own: the same `decide`, the same limits, the
same contacts left out. Constant memory in the rows.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice

from callagent_cli.campaign.forecast import Pace
from callagent_cli.campaign.limits import RunLimits, Spent
from callagent_cli.domain.contact import FINAL_STATES, Contact, ContactState, RejectedRow
from callagent_cli.eligibility.decision import Rules, decide
from callagent_cli.eligibility.verdicts import Eligible, Exhausted, Held, Skipped
from callagent_cli.eligibility.whereabouts import zones_of
from callagent_cli.ledger.records import Candidate, Standing
from callagent_cli.ledger.store import Ledger

_BATCH = 500  # contacts that the ledger is asked about at once
_MOST_REASONS = 200  # told apart; a reason with a time of its own would be one a contact
_FIRST = 10
_OTHER = "other reasons"


class Fate(StrEnum):
    """What a run that begins now would do with a contact."""

    CALL = "call now"
    HELD = "held"  # until a time, or until a person adds what is missing
    LATER = "later"  # its next call is not due yet, or this run's limit comes first
    SKIPPED = "skipped"
    EXHAUSTED = "exhausted"
    SETTLED = "settled"
    IN_DOUBT = "in doubt"
    UNDER_WAY = "under way"


@dataclass(frozen=True, slots=True)
class Planned:
    """One contact's part of the plan."""

    contact: Contact
    fate: Fate
    reason: str = ""
    at: datetime | None = None  # aware UTC: the call, at about, or when it may be thought of again
    is_known: bool = False  # to the campaign, from an earlier run

    @property
    def local(self) -> datetime | None:
        """`at` on the contact's own clock, where there is one."""
        zones = zones_of(self.contact)
        return self.at.astimezone(zones[0]) if self.at and len(zones) == 1 else None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the plan looks out from."""

    campaign: str
    rules: Rules
    limits: RunLimits
    pace: Pace
    now: datetime
    only: frozenset[str] | None = None  # ids or numbers; None for everybody
    retries_failed: bool = False  # those who failed for good are called again, too
    calls_today: int = 0
    cost_usd_today: float = 0.0


def planned(
    rows: Iterable[Contact | RejectedRow], outlook: Outlook, ledger: Ledger | None
) -> Iterator[Planned | RejectedRow]:
    """Each row's part, in the file's order. ledger: None where no campaign has ever run."""
    planner, stream = _Planner(outlook), iter(rows)
    while batch := list(islice(stream, _BATCH)):
        people = [row for row in batch if isinstance(row, Contact)]
        known = iter(_standings(outlook.campaign, people, ledger))
        for row in batch:
            if isinstance(row, RejectedRow):
                yield row
            else:
                standing = next(known)
                yield replace(planner.plan(standing), is_known=bool(standing.state))


def planned_alone(standing: Standing, outlook: Outlook) -> Planned:
    """One contact's part, as if it were the run's first."""
    return replace(_Planner(outlook).plan(standing), is_known=bool(standing.state))


def _standings(
    campaign: str, people: Sequence[Contact], ledger: Ledger | None
) -> Sequence[Standing]:
    if ledger is None:
        return [Standing(Candidate(person, 0, None)) for person in people]
    return ledger.standings(campaign, people)


class _Planner:
    """Gives the run's calls away, one after the other."""

    def __init__(self, outlook: Outlook) -> None:
        self._of, self._calls = outlook, 0

    def plan(self, standing: Standing) -> Planned:
        contact = standing.candidate.contact
        if self._of.only is not None and not {contact.id, contact.phone} & self._of.only:
            return Planned(contact, Fate.LATER, "this run is for other contacts")
        if settled := _settled(standing, self._of):
            return Planned(contact, *settled)
        return self._decided(standing.candidate)

    def _decided(self, candidate: Candidate) -> Planned:
        contact, rules, now = candidate.contact, self._of.rules, self._of.now
        match decide(candidate, rules, now):
            case Held(until, reason):
                return Planned(contact, Fate.HELD, reason, until)
            case Exhausted(reason):
                return Planned(contact, Fate.EXHAUSTED, reason)
            case Skipped(reason):
                return Planned(contact, Fate.SKIPPED, reason)
            case Eligible():
                return self._called(candidate)

    def _called(self, candidate: Candidate) -> Planned:
        if limit := self._of.limits.reached(self._spent()):
            return Planned(candidate.contact, Fate.LATER, limit)
        after_s = self._of.pace.begins_after_s(self._calls)
        at = self._of.now + timedelta(seconds=after_s)
        if after_s and (closed := self._of.rules.hours.refuse(candidate, at)):
            reason = f"its hours end before its turn: {closed.reason}"
            return Planned(candidate.contact, Fate.HELD, reason, closed.until)
        self._calls += 1
        return Planned(candidate.contact, Fate.CALL, at=at)

    def _spent(self) -> Spent:
        """As far as the run will have come by then, at about."""
        each_usd, calls = self._of.pace.call.usd or 0.0, self._calls
        return Spent(
            dialled=calls,
            under_way=0,
            cost_usd=calls * each_usd,
            mean_cost_usd=each_usd,
            elapsed_s=self._of.pace.begins_after_s(calls),
            dialled_today=self._of.calls_today + calls,
            cost_usd_today=self._of.cost_usd_today + calls * each_usd,
        )


def _settled(standing: Standing, of: Outlook) -> tuple[Fate, str, datetime | None] | None:
    """Of whom a run would not even think; None: it would."""
    state, reason = standing.state, standing.reason
    is_retried = standing.is_transient or (of.retries_failed and state == ContactState.FAILED)
    if state in FINAL_STATES - {ContactState.SKIPPED} and not is_retried:
        return Fate.SETTLED, f"{state}: {reason}".strip(": "), None
    match state:
        case ContactState.NEEDS_REVIEW:
            return Fate.IN_DOUBT, "an attempt may have rung: see `callagent review`", None
        case ContactState.IN_PROGRESS:
            return Fate.UNDER_WAY, "a run calls this contact, or died while it did", None
        case ContactState.DEFERRED if standing.next_at and standing.next_at > of.now:
            return Fate.LATER, reason, standing.next_at
        case _:
            return None


@dataclass(slots=True)
class Plan:
    """The sum of a plan."""

    outlook: Outlook
    verdicts: Counter[Fate] = field(default_factory=Counter)
    reasons: Counter[tuple[Fate, str]] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)  # UTC: calls, and when others may be
    first: list[Planned] = field(default_factory=list)  # the first to be called
    rejected: list[RejectedRow] = field(default_factory=list)  # the first ones
    rejected_count: int = 0
    known: int = 0  # contacts that the campaign knows already
    met: set[str] = field(default_factory=set)  # of the names that the run is for
    next_at: datetime | None = None  # the first of those who must wait
    warnings: list[str] = field(default_factory=list)

    @property
    def campaign(self) -> str:
        return self.outlook.campaign

    @property
    def to_call(self) -> int:
        return self.verdicts[Fate.CALL]

    @property
    def duration_s(self) -> float:
        return self.outlook.pace.lasts_s(self.to_call)

    @property
    def finish_at(self) -> datetime:
        return self.outlook.now + timedelta(seconds=self.duration_s)

    @property
    def cost_usd(self) -> tuple[float, float] | None:
        """What is likely, and the most if everybody answers; None: nobody knows the price."""
        call = self.outlook.pace.call
        if call.usd is None or call.most_usd is None:
            return None
        return self.to_call * call.usd, self.to_call * call.most_usd

    def add(self, row: Planned | RejectedRow) -> None:
        if isinstance(row, RejectedRow):
            self.rejected_count += 1
            if len(self.rejected) < 2 * _FIRST:
                self.rejected.append(row)
            return
        self.verdicts[row.fate] += 1
        self.known += row.is_known
        if self.outlook.only is not None:
            self.met |= {row.contact.id, row.contact.phone} & self.outlook.only
        if row.fate is Fate.CALL and len(self.first) < _FIRST:
            self.first.append(row)
        if row.reason:
            key = (row.fate, row.reason)
            is_known = key in self.reasons or len(self.reasons) < _MOST_REASONS
            self.reasons[key if is_known else (row.fate, _OTHER)] += 1
        if row.at is not None:
            self.days[row.at.date()] += 1
            if row.fate is not Fate.CALL and (self.next_at is None or row.at < self.next_at):
                self.next_at = row.at

    def to_json(self) -> dict[str, object]:
        cost = self.cost_usd
        call = self.outlook.pace.call
        return {
            "campaign": self.campaign,
            "verdicts": {fate.value: n for fate, n in self.verdicts.items()},
            "reasons": [
                {"verdict": fate.value, "reason": reason, "contacts": n}
                for (fate, reason), n in self.reasons.most_common()
            ],
            "first": [_row_as_json(row) for row in self.first],
            "by_day": {day.isoformat(): n for day, n in sorted(self.days.items())},
            "duration_s": self.duration_s,
            "finish_at": _iso(self.finish_at),
            "next_at": _iso(self.next_at),
            "cost_usd": {"likely": cost[0], "most": cost[1]} if cost else None,
            "estimate": {
                "talk_s": call.talk_s,
                "answered_share": call.answered_share,
                "usd_per_minute": call.usd_per_minute,
                "is_measured": call.is_measured,
            },
            "rejected": self.rejected_count,
            "rejected_rows": [_reject_as_json(row) for row in self.rejected],
            "warnings": self.warnings,
        }


def _row_as_json(row: Planned) -> Mapping[str, object]:
    return {"id": row.contact.id, "at": _iso(row.at), "local": _iso(row.local)}


def _reject_as_json(row: RejectedRow) -> Mapping[str, object]:
    return {
        "line": row.line,
        "column": row.column,
        "value": row.value,
        "reason": row.reason,
        "fix": row.fix,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
