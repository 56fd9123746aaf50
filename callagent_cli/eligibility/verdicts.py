"""What the rules say of a contact at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from callagent_cli.ledger.records import Candidate

Evidence = Mapping[str, object]  # JSON types only; no phone number


@dataclass(frozen=True, slots=True)
class Eligible:
    evidence: Evidence  # why the dial is allowed


@dataclass(frozen=True, slots=True)
class Held:
    until: datetime | None  # aware UTC; None: until a person adds what is missing
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    reason: str


Refusal = Held | Skipped | Exhausted
Verdict = Eligible | Refusal


class Gate(Protocol):
    """One rule. Pure: decides from its arguments alone; what is not known forbids."""

    name: ClassVar[str]  # for people

    def refuse(self, candidate: Candidate, now: datetime) -> Refusal | None:
        """Why the contact may not be called at `now` (aware); None: this rule does not mind."""

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        """What the rule looked at, to be kept with the attempt."""
