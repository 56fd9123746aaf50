"""May this contact be called at this moment?

Called by: campaign.agenda when a contact's turn comes, campaign.runner again just before each
request, campaign.plan. Invariant: pure; what is not known forbids, and says which fact is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callagent_cli.campaign.calling_window import CallingWindow
from callagent_cli.campaign.zones import zones_of
from callagent_cli.ledger.records import Candidate

_MOST_ZONES = 8  # more than a continent: the number says nothing (toll-free, whole countries)


@dataclass(frozen=True, slots=True)
class Rules:
    window: CallingWindow | None  # None: any hour
    require_consent: bool
    max_attempts: int  # calls per contact and campaign
    min_gap_s: float  # between two calls of one number, in any campaign


@dataclass(frozen=True, slots=True)
class Eligible:
    evidence: Mapping[str, object]  # why the dial is allowed; JSON types only


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


Verdict = Eligible | Held | Skipped | Exhausted


def decide(candidate: Candidate, rules: Rules, now: datetime) -> Verdict:
    """Look at consent, attempts used, the gap since the last call and the calling window.

    now: aware. The first rule that forbids gives the verdict.
    """
    refused = _check_consent(candidate, rules) or _check_attempts(candidate, rules)
    if refused is not None:
        return refused
    zones = zones_of(candidate.contact) if rules.window else ()
    held = _check_gap(candidate, rules, zones, now) or _check_window(rules, zones, now)
    return held or Eligible(_evidence(candidate, rules, zones, now))


def _check_consent(candidate: Candidate, rules: Rules) -> Skipped | None:
    match candidate.contact.consent:
        case False:
            return Skipped("the contacts file says: no consent")
        case None if rules.require_consent:
            return Skipped("no consent on record: add a `consent` column that says yes")
        case _:
            return None


def _check_attempts(candidate: Candidate, rules: Rules) -> Exhausted | None:
    if candidate.calls_made < rules.max_attempts:
        return None
    return Exhausted(f"called {candidate.calls_made} times of at most {rules.max_attempts}")


def _check_gap(
    candidate: Candidate, rules: Rules, zones: tuple[ZoneInfo, ...], now: datetime
) -> Held | None:
    if candidate.last_call_at is None:
        return None
    free_at = candidate.last_call_at + timedelta(seconds=rules.min_gap_s)
    if now >= free_at:
        return None
    until = free_at
    if rules.window and 0 < len(zones) <= _MOST_ZONES:
        until = rules.window.next_opening(zones, free_at) or free_at
    return Held(until, f"called less than {_span(rules.min_gap_s)} ago")


def _check_window(rules: Rules, zones: tuple[ZoneInfo, ...], now: datetime) -> Held | None:
    if rules.window is None:
        return None
    if not zones:
        return Held(None, "time zone unknown: add a `timezone` column, such as America/New_York")
    if len(zones) > _MOST_ZONES:
        many = f"the number may be in {len(zones)} time zones"
        return Held(None, f"{many}: add a `timezone` column, such as America/New_York")
    if rules.window.includes(zones, now):
        return None
    until = rules.window.next_opening(zones, now)
    if until is not None:
        return Held(until, f"outside the calling window ({rules.window})")
    return Held(None, _never_open(rules.window, zones))


def _never_open(window: CallingWindow, zones: tuple[ZoneInfo, ...]) -> str:
    if len(zones) == 1:
        return f"the calling window ({window}) does not open within 14 days"
    return (
        f"the calling window ({window}) is never open in all {len(zones)} zones of the number"
        " at once: add a `timezone` column"
    )


def _evidence(
    candidate: Candidate, rules: Rules, zones: tuple[ZoneInfo, ...], now: datetime
) -> dict[str, object]:
    last = candidate.last_call_at
    return {
        "zones": [zone.key for zone in zones],
        "zones_from": "timezone column" if candidate.contact.timezone else "phone number",
        "local_times": {zone.key: now.astimezone(zone).isoformat() for zone in zones},
        "window": str(rules.window) if rules.window else None,
        "consent": candidate.contact.consent,
        "consent_required": rules.require_consent,
        "attempts_so_far": candidate.calls_made,
        "max_attempts": rules.max_attempts,
        "last_call_at": last.isoformat() if last else None,
        "min_gap_s": rules.min_gap_s,
    }


def _span(seconds: float) -> str:
    if seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds % 60 == 0 else f"{seconds:g} s"
