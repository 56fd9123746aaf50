"""Who is to be called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ContactState(StrEnum):
    """Where a contact stands in a campaign."""

    PENDING = "pending"  # may be dialled when its turn comes
    IN_PROGRESS = "in_progress"  # has an open attempt
    HELD = "held"  # outside its calling window, or a remedy is missing
    DEFERRED = "deferred"  # put back: a service is down, or a redial is due later
    COMPLETED = "completed"  # reached
    EXHAUSTED = "exhausted"  # no attempts left
    FAILED = "failed"  # failed technically
    SKIPPED = "skipped"  # will not be called, for a reason
    NEEDS_REVIEW = "needs_review"  # an attempt is in doubt: a person decides


FINAL_STATES = frozenset(
    {
        ContactState.COMPLETED,
        ContactState.EXHAUSTED,
        ContactState.FAILED,
        ContactState.SKIPPED,
    }
)
WAITING_STATES = (ContactState.PENDING, ContactState.HELD, ContactState.DEFERRED)

FORGOTTEN = "forgotten-"  # begins what stands in the place of an erased person's number

_NUMBER_IN_TEXT = re.compile(r"\+[0-9](?:[ ().-]{0,2}[0-9]){6,14}")


@dataclass(frozen=True, slots=True)
class Contact:
    """One person to reach: one valid row of the contacts file."""

    id: str  # the file's, else the E.164 number
    phone: str  # E.164; identity of the contact
    name: str = ""
    email: str = ""
    language: str = ""
    timezone: str = ""  # IANA name, or empty: derived from the number
    consent: bool | None = None  # None: the file does not say
    variables: Mapping[str, str] = field(default_factory=dict)  # every other column
    line: int = 0  # 1-based line of the file on which the row begins


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is not a usable contact, and what to do about it."""

    line: int  # 1-based
    column: str  # the header as the file spells it; empty when the whole row is at fault
    value: str  # cleaned and masked
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class DuplicateRow(RejectedRow):
    """A row whose number stands on an earlier line, in whatever spelling; that line counts."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What the CRM knows of a contact."""

    crm_id: str
    variables: Mapping[str, str] = field(default_factory=dict)  # cleaned, bounded; by CRM's names


def mask_phone(phone: str) -> str:
    """Show enough of a number to recognise it and too little to dial it: `+1202*****23`."""
    if phone.startswith(FORGOTTEN):
        return "forgotten"
    if len(phone) <= 6:
        return "*" * len(phone)
    shown = 5 if len(phone) >= 11 else 3
    return phone[:shown] + "*" * (len(phone) - shown - 2) + phone[-2:]


def mask_phones(text: str) -> str:
    """Mask every international number that stands somewhere in a text."""
    if "+" not in text:
        return text
    return _NUMBER_IN_TEXT.sub(
        lambda found: mask_phone("+" + "".join(c for c in found[0] if c.isdigit())), text
    )
