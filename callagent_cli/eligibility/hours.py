"""Is it a time of day, where the person is, at which they may be called?"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.verdicts import Evidence, Held
from callagent_cli.eligibility.zones import zones_of
from callagent_cli.ledger.records import Candidate

_REMEDY = "add a `timezone` column, such as America/New_York"
_MOST_ZONES = 8  # more than a continent: the number says nothing (toll-free, whole countries)


@dataclass(frozen=True, slots=True)
class HoursGate:
    window: CallingWindow | None  # None: any hour

    def refuse(self, candidate: Candidate, now: datetime) -> Held | None:
        if self.window is None:
            return None
        zones = zones_of(candidate.contact)
        if not zones:
            return Held(
                None, "time zone unknown: add a `timezone` column, such as America/New_York"
            )
        if len(zones) > _MOST_ZONES:
            many = f"the number may be in {len(zones)} time zones"
            return Held(None, f"{many}: {_REMEDY}")
        if self.window.includes(zones, now):
            return None
        until = self.window.next_opening(zones, now)
        if until is not None:
            return Held(until, f"outside the calling window ({self.window})")
        return Held(None, _never_open(self.window, zones))

    def next_opening(self, contact: Contact, after: datetime) -> datetime | None:
        """The first time from `after` on at which this gate lets the contact through; None where
        nobody can tell."""
        zones = zones_of(contact)
        if self.window is None:
            return after
        return self.window.next_opening(zones, after) if 0 < len(zones) <= _MOST_ZONES else None

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        zones = zones_of(candidate.contact) if self.window else ()
        return {
            "zones": [zone.key for zone in zones],
            "zones_from": "timezone column" if candidate.contact.timezone else "phone number",
            "local_times": {zone.key: now.astimezone(zone).isoformat() for zone in zones},
            "window": str(self.window) if self.window else None,
        }


def _never_open(window: CallingWindow, zones: tuple[ZoneInfo, ...]) -> str:
    if len(zones) == 1:
        return f"the calling window ({window}) does not open within 14 days"
    return (
        f"the calling window ({window}) is never open in all {len(zones)} zones of the number"
        " at once: add a `timezone` column"
    )
