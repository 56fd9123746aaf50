"""May this contact be called now?"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.consent import ConsentGate
from callagent_cli.eligibility.decision import Rules, decide
from callagent_cli.eligibility.frequency import FrequencyGate
from callagent_cli.eligibility.hours import HoursGate
from callagent_cli.eligibility.verdicts import Eligible, Exhausted, Held, Skipped, Verdict
from callagent_cli.eligibility.zones import zone_data_version
from callagent_cli.ledger.records import Candidate

MONDAY_NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # in New York
MIDNIGHT = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
TUESDAY_EIGHT = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
WINDOW = CallingWindow.of("08:00", "21:00", ["mon", "tue", "wed", "thu", "fri", "sat"])
OFTEN = FrequencyGate(max_attempts=3, min_gap_s=4 * 3600)
RULES = Rules((ConsentGate(is_required=False), OFTEN), HoursGate(WINDOW))
ADA = Contact("c1", "+12125550101")
TOLL_FREE = Contact("c2", "+18005550199")


def verdict(
    contact: Contact = ADA,
    rules: Rules = RULES,
    *,
    at: datetime = MONDAY_NOON,
    calls_made: int = 0,
    last_call_at: datetime | None = None,
) -> Verdict:
    return decide(Candidate(contact, calls_made, last_call_at), rules, at)


def test_evidence_says_why_a_dial_was_allowed_and_can_be_stored() -> None:
    allowed = verdict(calls_made=1, last_call_at=MONDAY_NOON - timedelta(hours=5))
    assert isinstance(allowed, Eligible)
    assert json.loads(json.dumps(allowed.evidence)) == {
        "country": "US",
        "zones": ["America/New_York"],
        "zones_from": "phone number",
        "local_times": {"America/New_York": "2026-11-23T12:00:00-05:00"},
        "tzdata": zone_data_version(),
        "window": "08:00 to 21:00, mon, tue, wed, thu, fri, sat",
        "margin_s": 0,
        "presets": {},
        "consent": None,
        "consent_required": False,
        "attempts_so_far": 1,
        "max_attempts": 3,
        "last_call_at": "2026-11-23T12:00:00+00:00",
        "min_gap_s": 14400,
        "asked_to_be_called": False,
        "calls_within_a_day": 0,
        "max_a_day": None,
        "calls_within_a_week": 0,
        "max_a_week": None,
    }
    assert ADA.phone not in str(allowed.evidence)


def test_contact_outside_its_window_is_held_until_it_opens() -> None:
    held = verdict(at=MIDNIGHT)
    assert held == Held(TUESDAY_EIGHT, f"outside the calling window ({WINDOW})")


def test_contact_may_be_called_at_any_hour_without_a_window() -> None:
    free = replace(RULES, hours=HoursGate(None))
    allowed = verdict(rules=free, at=MIDNIGHT)
    assert isinstance(allowed, Eligible)
    assert allowed.evidence["window"] is None
    assert isinstance(verdict(TOLL_FREE, free, at=MIDNIGHT), Eligible)


@pytest.mark.parametrize("contact", [TOLL_FREE, Contact("x", "+9991234567")])
def test_contact_without_a_known_zone_is_held_with_the_remedy(contact: Contact) -> None:
    held = verdict(contact)
    assert isinstance(held, Held)
    assert held.until is None
    assert "add a `timezone` column" in held.reason


def test_a_timezone_column_is_the_remedy() -> None:
    assert isinstance(verdict(replace(TOLL_FREE, timezone="America/New_York")), Eligible)


def test_contact_whose_zones_never_share_the_window_is_held_with_the_remedy() -> None:
    narrow = replace(RULES, hours=HoursGate(CallingWindow.of("09:00", "09:30", range(7))))
    held = verdict(Contact("f", "+18505550101"), narrow)
    assert isinstance(held, Held)
    assert held.until is None
    assert "never open in all 2 zones" in held.reason


def test_a_window_that_does_not_open_within_two_months_is_said() -> None:
    held = verdict(rules=replace(RULES, hours=HoursGate(replace(WINDOW, days=frozenset()))))
    assert isinstance(held, Held)
    assert held.until is None
    assert "does not open within 60 days" in held.reason


def test_contact_who_refused_is_skipped_even_when_consent_is_not_required() -> None:
    skipped = verdict(replace(ADA, consent=False))
    assert skipped == Skipped("the contacts file says: no consent")


def test_contact_without_consent_is_skipped_only_when_it_is_required() -> None:
    required = replace(RULES, gates=(ConsentGate(is_required=True), OFTEN))
    assert isinstance(verdict(rules=required), Skipped)
    assert isinstance(verdict(replace(ADA, consent=True), required), Eligible)
    assert isinstance(verdict(), Eligible)


@pytest.mark.parametrize(("calls_made", "kind"), [(2, Eligible), (3, Exhausted), (4, Exhausted)])
def test_contact_with_all_attempts_used_is_exhausted(calls_made: int, kind: type) -> None:
    assert isinstance(verdict(calls_made=calls_made), kind)


def test_contact_called_a_moment_ago_is_held_for_the_gap() -> None:
    held = verdict(last_call_at=MONDAY_NOON - timedelta(hours=1))
    assert held == Held(MONDAY_NOON + timedelta(hours=3), "called less than 4 h ago")


def test_the_gap_ends_to_the_second() -> None:
    assert isinstance(verdict(last_call_at=MONDAY_NOON - timedelta(hours=4)), Eligible)
    almost = MONDAY_NOON - timedelta(hours=4) + timedelta(seconds=1)
    assert isinstance(verdict(last_call_at=almost), Held)


def test_a_gap_that_ends_at_night_holds_until_the_morning() -> None:
    evening = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # 20:00 in New York
    held = verdict(at=evening, last_call_at=evening - timedelta(minutes=5))
    assert held == Held(TUESDAY_EIGHT, "called less than 4 h ago")


def test_a_gap_of_no_length_holds_nobody() -> None:
    often = replace(OFTEN, min_gap_s=0)
    allowed = verdict(rules=replace(RULES, gates=(often,)), last_call_at=MONDAY_NOON)
    assert isinstance(allowed, Eligible)


def test_a_last_call_in_the_future_holds_as_long_as_one_of_today() -> None:
    ahead = MONDAY_NOON + timedelta(minutes=10)
    assert isinstance(verdict(last_call_at=ahead), Held)


def test_the_first_rule_that_forbids_gives_the_verdict() -> None:
    forbidden = replace(TOLL_FREE, consent=False)
    assert isinstance(verdict(forbidden, calls_made=9, last_call_at=MONDAY_NOON), Skipped)
    assert isinstance(verdict(TOLL_FREE, calls_made=9, last_call_at=MONDAY_NOON), Exhausted)
    gap = verdict(TOLL_FREE, last_call_at=MONDAY_NOON)
    assert isinstance(gap, Held)
    assert gap.reason.startswith("called less than")


def test_a_held_contact_is_eligible_when_it_was_promised() -> None:
    held = verdict(at=MIDNIGHT)
    assert isinstance(held, Held)
    assert held.until is not None
    assert isinstance(verdict(at=held.until), Eligible)
