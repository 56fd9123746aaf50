"""Has somebody asked that this number be left in peace?

The ledger looks once more inside the transaction that begins an attempt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ClassVar

from callagent_cli.domain.suppression import NumberList
from callagent_cli.eligibility.verdicts import Evidence, Skipped
from callagent_cli.ledger.records import Candidate


@dataclass(frozen=True, slots=True)
class DoNotCallGate:
    name: ClassVar[str] = "do-not-call list"

    lists: Sequence[NumberList] = field(default=())  # those that were asked, for the evidence

    def refuse(self, candidate: Candidate, now: datetime) -> Skipped | None:
        listed = candidate.suppressed
        if listed is None:
            return None
        return Skipped(f"on the do-not-call list since {listed.added_at:%Y-%m-%d}: {listed.where}")

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        return {"do_not_call_lists": {one.name: one.as_of.isoformat() for one in self.lists}}


@dataclass(frozen=True, slots=True)
class ListRules:
    stale_after_s: float
    is_refused: bool  # a stale list stops every run, not only a required one's absence
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListProblem:
    what: str
    is_blocking: bool


def list_problems(lists: Iterable[NumberList], rules: ListRules, today: date) -> list[ListProblem]:
    """Lists that are too old or missing."""
    by_name = {one.name: one for one in lists}
    found = [
        ListProblem(f"the do-not-call list {name} was never imported", is_blocking=True)
        for name in rules.required
        if name not in by_name
    ]
    for one in by_name.values():
        days = (today - one.as_of).days
        if timedelta(days=days) > timedelta(seconds=rules.stale_after_s):
            what = f"the do-not-call list {one.name} is of {one.as_of}, {days} days old"
            is_blocking = rules.is_refused or one.name in rules.required
            found.append(ListProblem(what, is_blocking=is_blocking))
    return found
