"""Has the person agreed to be called?"""

from dataclasses import dataclass
from datetime import datetime

from callagent_cli.eligibility.verdicts import Evidence, Skipped
from callagent_cli.ledger.records import Candidate


@dataclass(frozen=True, slots=True)
class ConsentGate:
    is_required: bool  # a contact that says nothing is not called

    def refuse(self, candidate: Candidate, now: datetime) -> Skipped | None:
        match candidate.contact.consent:
            case False:
                return Skipped("the contacts file says: no consent")
            case None if self.is_required:
                return Skipped("no consent on record: add a `consent` column that says yes")
            case _:
                return None

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        return {"consent": candidate.contact.consent, "consent_required": self.is_required}
