"""May this contact be called at this moment?

Called by: campaign.agenda when a contact's turn comes, campaign.runner again just before each
request, campaign.plan. Invariant: pure; what is not known forbids, and says which fact is missing.
"""

from dataclasses import dataclass
from datetime import datetime

from callagent_cli.eligibility.hours import HoursGate
from callagent_cli.eligibility.verdicts import Eligible, Evidence, Gate, Held, Refusal, Verdict
from callagent_cli.ledger.records import Candidate


@dataclass(frozen=True, slots=True)
class Rules:
    gates: tuple[Gate, ...]  # in this order; the first that forbids gives the verdict
    hours: HoursGate  # the last one


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one rule alone says, whatever the others do."""

    rule: str
    refusal: Refusal | None  # None: it does not mind
    evidence: Evidence


def decide(candidate: Candidate, rules: Rules, now: datetime) -> Verdict:
    """Ask every gate, the hours last. now: aware."""
    for gate in rules.gates:
        match gate.refuse(candidate, now):
            case None:
                continue
            case Held(until, reason) if until is not None:
                # of no use at night: put off until the hours allow it, too
                return Held(rules.hours.next_opening(candidate.contact, until) or until, reason)
            case refusal:
                return refusal
    return rules.hours.refuse(candidate, now) or Eligible(_evidence(candidate, rules, now))


def _evidence(candidate: Candidate, rules: Rules, now: datetime) -> dict[str, object]:
    seen: dict[str, object] = {}
    for gate in (*rules.gates, rules.hours):
        seen.update(gate.evidence(candidate, now))
    return seen


def rulings(candidate: Candidate, rules: Rules, now: datetime) -> list[Ruling]:
    """For a person who asks why: every rule, in the order in which `decide` asks them."""
    return [
        Ruling(gate.name, gate.refuse(candidate, now), gate.evidence(candidate, now))
        for gate in (*rules.gates, rules.hours)
    ]
