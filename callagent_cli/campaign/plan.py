"""What a run would do, before it does anything: who is called, who is not, and why.

The verdicts come from the same `decide` as the run's. Reads only; places nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.domain.contact import FINAL_STATES, Contact, ContactState, RejectedRow
from callagent_cli.eligibility.decision import Rules, decide
from callagent_cli.eligibility.verdicts import Eligible, Exhausted, Held, Skipped
from callagent_cli.ledger.records import Candidate
from callagent_cli.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Plan:
    campaign: str
    verdicts: Mapping[str, int]  # `call now`, `held`, `skipped`, `settled`, … → contacts
    reasons: Mapping[tuple[str, str], int]  # (verdict, reason) → contacts
    rejected: tuple[RejectedRow, ...]  # the first ones; `rejected_count` counts all
    rejected_count: int
    first_held_until: datetime | None  # when the first held contact may be called

    @property
    def to_call(self) -> int:
        return self.verdicts.get("call now", 0)

    def to_json(self) -> dict[str, object]:
        return {
            "campaign": self.campaign,
            "verdicts": dict(self.verdicts),
            "reasons": [
                {"verdict": verdict, "reason": reason, "contacts": n}
                for (verdict, reason), n in self.reasons.items()
            ],
            "rejected": self.rejected_count,
            "first_held_until": self.first_held_until.isoformat()
            if self.first_held_until
            else None,
        }


_SHOWN_REJECTS = 20


def make_plan(
    campaign: str,
    rows: Iterable[Contact | RejectedRow],
    *,
    ledger: Ledger | None,
    rules: Rules,
    now: datetime,
) -> Plan:
    """ledger: None when no campaign has ever run here. Constant memory in the rows."""
    verdicts: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    rejected: list[RejectedRow] = []
    rejected_count = 0
    held_until: list[datetime] = []
    for row in rows:
        if isinstance(row, RejectedRow):
            rejected_count += 1
            if len(rejected) < _SHOWN_REJECTS:
                rejected.append(row)
            continue
        verdict, reason, until = _verdict(campaign, row, ledger, rules, now)
        verdicts[verdict] += 1
        if reason:
            reasons[verdict, reason] += 1
        if until is not None and (not held_until or until < held_until[0]):
            held_until[:] = [until]
    return Plan(
        campaign=campaign,
        verdicts=dict(verdicts),
        reasons=dict(reasons.most_common()),
        rejected=tuple(rejected),
        rejected_count=rejected_count,
        first_held_until=held_until[0] if held_until else None,
    )


def _verdict(
    campaign: str, contact: Contact, ledger: Ledger | None, rules: Rules, now: datetime
) -> tuple[str, str, datetime | None]:
    standing = ledger.standings(campaign, [contact])[0] if ledger else None
    candidate = standing.candidate if standing else Candidate(contact, 0, None)
    if standing is not None:
        if standing.state in FINAL_STATES and not standing.is_transient:
            return "settled", f"{standing.state}: {standing.reason}".strip(": "), None
        if standing.state == ContactState.NEEDS_REVIEW:
            return "in doubt", "an attempt may have rung: see `callagent review`", None
        if standing.state == ContactState.DEFERRED and standing.next_at and standing.next_at > now:
            return "later", standing.reason, standing.next_at
    match decide(candidate, rules, now):
        case Eligible():
            return "call now", "", None
        case Held(until, reason):
            return "held", reason, until
        case Exhausted(reason):
            return "exhausted", reason, None
        case Skipped(reason):
            return "skipped", reason, None
