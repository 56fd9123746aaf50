"""How often may a person be called?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from callagent_cli.eligibility.verdicts import Evidence, Exhausted, Held
from callagent_cli.ledger.records import Candidate


@dataclass(frozen=True, slots=True)
class FrequencyGate:
    """A call in doubt counts as a call."""

    max_attempts: int  # calls per contact and campaign
    min_gap_s: float  # between two calls of one number, in any campaign

    def refuse(self, candidate: Candidate, now: datetime) -> Held | Exhausted | None:
        if candidate.calls_made >= self.max_attempts:
            return Exhausted(f"called {candidate.calls_made} times of at most {self.max_attempts}")
        if candidate.last_call_at is None:
            return None
        free_at = candidate.last_call_at + timedelta(seconds=self.min_gap_s)
        return (
            Held(free_at, f"called less than {_span(self.min_gap_s)} ago")
            if now < free_at
            else None
        )

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        last = candidate.last_call_at
        return {
            "attempts_so_far": candidate.calls_made,
            "max_attempts": self.max_attempts,
            "last_call_at": last.isoformat() if last else None,
            "min_gap_s": self.min_gap_s,
        }


def _span(seconds: float) -> str:
    if seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds % 60 == 0 else f"{seconds:g} s"
