"""Has the person agreed to be called?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.verdicts import Evidence, Skipped
from callagent_cli.ledger.records import Candidate

DATE_COLUMN, SOURCE_COLUMN = "consent_date", "consent_source"


@dataclass(frozen=True, slots=True)
class ConsentGate:
    name: ClassVar[str] = "consent"

    is_required: bool  # a contact that says nothing is not called
    max_age_s: float | None = None  # an older or undated consent is none

    def refuse(self, candidate: Candidate, now: datetime) -> Skipped | None:
        match candidate.contact.consent:
            case False:
                return Skipped("the contacts file says: no consent")
            case None if self.is_required:
                return Skipped("no consent on record: add a `consent` column that says yes")
            case True if self.max_age_s is not None:
                return self._refuse_old(candidate.contact, now, self.max_age_s)
            case _:
                return None

    def _refuse_old(self, contact: Contact, now: datetime, max_age_s: float) -> Skipped | None:
        given = _given_at(contact)
        if given is None:
            said = f"add a `{DATE_COLUMN}` column, as 2026-03-31"
            return Skipped(f"nobody knows how old the consent is: {said}")
        if now - given > timedelta(seconds=max_age_s):
            return Skipped(f"the consent of {given:%Y-%m-%d} is too old")
        return None

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        contact = candidate.contact
        kept = {
            name: contact.variables[name]
            for name in (DATE_COLUMN, SOURCE_COLUMN)
            if contact.variables.get(name)
        }
        return {"consent": contact.consent, "consent_required": self.is_required, **kept}


def _given_at(contact: Contact) -> datetime | None:
    try:
        at = datetime.fromisoformat(contact.variables.get(DATE_COLUMN, "").strip())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
