"""When a person asked to be called: in the contacts file, or in a call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import ClassVar

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.verdicts import Evidence, Held
from callagent_cli.eligibility.whereabouts import zones_of
from callagent_cli.ledger.records import Candidate

COLUMN = "callback_at"
_FURTHEST = timedelta(days=90)  # what lies further off was misheard


def callback_at(
    collected: Mapping[str, str], field: str, *, zone: tzinfo | None, now: datetime
) -> datetime | None:
    """The time that the call's data collection holds under `field`, in ISO 8601, as
    `2026-11-24T15:30` in the contact's own time or with an offset.

    None without one, for one that is past or more than 90 days off, and for one whose zone
    nobody knows: a guess could ring at night.
    """
    try:
        asked = _instant(collected.get(field, ""), zone)
    except ValueError:
        return None
    if asked is None:
        return None
    return asked.astimezone(now.tzinfo) if now < asked <= now + _FURTHEST else None


@dataclass(frozen=True, slots=True)
class CallbackGate:
    """Nobody is called before the time in the file's `callback_at` column."""

    name: ClassVar[str] = "asked for a time"

    def refuse(self, candidate: Candidate, now: datetime) -> Held | None:
        said = _said(candidate)
        if not said:
            return None
        try:
            asked = _instant(said, zone_of(candidate.contact))
        except ValueError:
            return Held(None, f"{COLUMN} is no time: write it as 2026-11-24T15:30")
        if asked is None:
            return Held(None, f"{COLUMN} without a known time zone: add a `timezone` column")
        return Held(asked, f"asked to be called at {said}") if now < asked else None

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        said = _said(candidate)
        return {COLUMN: said} if said else {}


def zone_of(contact: Contact) -> tzinfo | None:
    """The contact's time zone, if there is no doubt about it."""
    zones = zones_of(contact)
    return zones[0] if len(zones) == 1 else None


def _said(candidate: Candidate) -> str:
    return candidate.contact.variables.get(COLUMN, "").strip()


def _instant(text: str, zone: tzinfo | None) -> datetime | None:
    """None: a wall clock's time in a zone that nobody knows. Raises ValueError for what is no
    time."""
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is None:
        return at.replace(tzinfo=zone) if zone else None
    return at
