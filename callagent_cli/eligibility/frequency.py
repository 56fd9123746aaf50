"""How often may a person be called?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from callagent_cli.eligibility.verdicts import Evidence, Exhausted, Held
from callagent_cli.ledger.records import Candidate

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FrequencyGate:
    """A call in doubt counts as a call. The caps and the gap count a number's calls in every
    campaign; a time that the person asked for comes before the gap, not before the caps."""

    name: ClassVar[str] = "how often"

    max_attempts: int  # calls per contact and campaign
    min_gap_s: float  # between two calls of one number
    max_a_day: int | None = None  # calls of one number within any 24 hours
    max_a_week: int | None = None  # within any seven days
    quiet_s: float | None = None  # after a conversation

    def refuse(self, candidate: Candidate, now: datetime) -> Held | Exhausted | None:
        if candidate.calls_made >= self.max_attempts:
            return Exhausted(f"called {candidate.calls_made} times of at most {self.max_attempts}")
        held = [one for one in self._waits(candidate) if one.until and one.until > now]
        return max(held, key=lambda one: one.until or now, default=None)

    def _waits(self, candidate: Candidate) -> Iterator[Held]:
        if candidate.last_call_at is not None and not candidate.has_asked:
            free_at = candidate.last_call_at + timedelta(seconds=self.min_gap_s)
            yield Held(free_at, f"called less than {_span(self.min_gap_s)} ago")
        if self.quiet_s and candidate.last_conversation_at and not candidate.has_asked:
            free_at = candidate.last_conversation_at + timedelta(seconds=self.quiet_s)
            yield Held(free_at, f"talked to less than {_span(self.quiet_s)} ago")
        caps = ((self.max_a_day, _DAY, "24 hours"), (self.max_a_week, 7 * _DAY, "seven days"))
        for most, span, words in caps:
            if most is not None and len(candidate.calls_at) >= most:
                free_at = candidate.calls_at[-most] + span
                yield Held(free_at, f"called {most} times within {words}, in all campaigns")

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        last = candidate.last_call_at
        return {
            "attempts_so_far": candidate.calls_made,
            "max_attempts": self.max_attempts,
            "last_call_at": last.isoformat() if last else None,
            "min_gap_s": self.min_gap_s,
            "asked_to_be_called": candidate.has_asked,
            "calls_within_a_day": _within(candidate, now, _DAY),
            "max_a_day": self.max_a_day,
            "calls_within_a_week": _within(candidate, now, 7 * _DAY),
            "max_a_week": self.max_a_week,
        }


def _within(candidate: Candidate, now: datetime, span: timedelta) -> int:
    return sum(at > now - span for at in candidate.calls_at)


def _span(seconds: float) -> str:
    if seconds % 86400 == 0:
        days = seconds / 86400
        return f"{days:g} days" if days > 1 else "24 h"
    if seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds % 60 == 0 else f"{seconds:g} s"
