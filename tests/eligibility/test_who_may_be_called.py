"""Consent, number types, frequency and the do-not-call list."""

from datetime import UTC, date, datetime, timedelta

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.domain.suppression import NumberList, Suppression
from callagent_cli.eligibility.consent import ConsentGate
from callagent_cli.eligibility.do_not_call import DoNotCallGate, ListRules, list_problems
from callagent_cli.eligibility.frequency import FrequencyGate
from callagent_cli.eligibility.number_types import NumberTypeGate
from callagent_cli.eligibility.verdicts import Exhausted, Held, Skipped
from callagent_cli.ledger.records import Candidate

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADA = "+12125550101"


def person(**variables: str) -> Candidate:
    return Candidate(Contact("c1", ADA, consent=True, variables=variables), 0, None)


def called(*hours_ago: float, **more: object) -> Candidate:
    at = tuple(NOW - HOUR * hours for hours in hours_ago)
    last = at[-1] if at else None
    return Candidate(Contact("c1", ADA), 0, last, calls_at=at, **more)  # type: ignore[arg-type]


OFTEN = FrequencyGate(max_attempts=9, min_gap_s=4 * 3600, max_a_day=2, max_a_week=3)


def test_the_day_s_cap_holds_until_the_first_of_those_calls_is_a_day_old() -> None:
    held = OFTEN.refuse(called(20, 10), NOW)
    assert held == Held(NOW + 4 * HOUR, "called 2 times within 24 hours, in all campaigns")
    assert OFTEN.refuse(called(20, 10), NOW + 4 * HOUR) is None


def test_the_week_s_cap_holds_longer_and_tells_the_later_time() -> None:
    held = OFTEN.refuse(called(160, 20, 10), NOW)
    assert held == Held(NOW + 8 * HOUR, "called 3 times within seven days, in all campaigns")


def test_calls_long_past_are_forgotten_by_the_caps() -> None:
    assert OFTEN.refuse(called(200, 190, 180, 170), NOW) is None


def test_a_time_that_the_person_asked_for_comes_before_the_gap_and_not_before_the_caps() -> None:
    assert OFTEN.refuse(called(1), NOW) is not None
    assert OFTEN.refuse(called(1, has_asked=True), NOW) is None
    assert OFTEN.refuse(called(2, 1, has_asked=True), NOW) is not None


def test_quiet_days_follow_a_conversation() -> None:
    gate = FrequencyGate(max_attempts=9, min_gap_s=0, quiet_s=7 * 86400)
    talked = called(30, last_conversation_at=NOW - 30 * HOUR)
    held = gate.refuse(talked, NOW)
    assert held == Held(NOW - 30 * HOUR + 7 * DAY, "talked to less than 7 days ago")
    assert gate.refuse(called(30), NOW) is None


def test_no_calls_are_left_before_anything_else() -> None:
    used = Candidate(Contact("c1", ADA), 9, NOW - HOUR, calls_at=(NOW - HOUR,))
    assert isinstance(OFTEN.refuse(used, NOW), Exhausted)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "nobody knows how old the consent is"),
        ({"consent_date": "last spring"}, "nobody knows how old the consent is"),
        ({"consent_date": "2025-11-01"}, "the consent of 2025-11-01 is too old"),
    ],
)
def test_an_old_or_undated_consent_is_none(given: dict[str, str], reason: str) -> None:
    gate = ConsentGate(is_required=True, max_age_s=365 * 86400)
    refused = gate.refuse(person(**given), NOW)
    assert isinstance(refused, Skipped)
    assert reason in refused.reason


def test_a_fresh_consent_is_kept_with_its_date_and_source() -> None:
    gate = ConsentGate(is_required=True, max_age_s=365 * 86400)
    agreed = person(consent_date="2026-03-31", consent_source="form 12")
    assert gate.refuse(agreed, NOW) is None
    assert gate.evidence(agreed, NOW) == {
        "consent": True,
        "consent_required": True,
        "consent_date": "2026-03-31",
        "consent_source": "form 12",
    }


@pytest.mark.parametrize(
    ("phone", "kind"),
    [
        ("+19002341234", "premium-rate"),
        ("+491801234567", "shared-cost"),
        ("+443001234567", "company-wide"),
    ],
)
def test_numbers_that_cost_the_person_or_are_nobodys_are_not_called(phone: str, kind: str) -> None:
    number = Candidate(Contact("c1", phone), 0, None)
    assert NumberTypeGate().refuse(number, NOW) == Skipped(f"a {kind} number is not called")
    assert NumberTypeGate(frozenset({kind})).refuse(number, NOW) is None


def test_a_toll_free_number_is_held_with_the_remedy() -> None:
    held = NumberTypeGate().refuse(Candidate(Contact("c1", "+18005550199"), 0, None), NOW)
    assert isinstance(held, Held)
    assert held.until is None
    assert "the person's own number" in held.reason


def test_an_ordinary_number_is_called() -> None:
    assert NumberTypeGate().refuse(person(), NOW) is None


def test_who_is_on_the_list_is_skipped_and_told_since_when() -> None:
    listed = Candidate(
        Contact("c1", ADA), 0, None, suppressed=Suppression("list:national", NOW - DAY)
    )
    refused = DoNotCallGate().refuse(listed, NOW)
    assert refused == Skipped("on the do-not-call list since 2026-11-22: the list national")
    assert DoNotCallGate().refuse(person(), NOW) is None


TODAY = date(2026, 11, 23)
OLD = NumberList("national", TODAY - timedelta(days=32), NOW, 5, "")
FRESH = NumberList("national", TODAY - timedelta(days=31), NOW, 5, "")


@pytest.mark.parametrize(
    ("lists", "rules", "blocking"),
    [
        ([OLD], ListRules(31 * 86400, is_refused=False), [False]),
        ([OLD], ListRules(31 * 86400, is_refused=True), [True]),
        ([OLD], ListRules(31 * 86400, is_refused=False, required=("national",)), [True]),
        ([], ListRules(31 * 86400, is_refused=False, required=("national",)), [True]),
        ([FRESH], ListRules(31 * 86400, is_refused=True, required=("national",)), []),
        ([], ListRules(31 * 86400, is_refused=True), []),
    ],
)
def test_an_old_list_is_told_and_one_that_is_required_stops(
    lists: list[NumberList], rules: ListRules, blocking: list[bool]
) -> None:
    assert [one.is_blocking for one in list_problems(lists, rules, TODAY)] == blocking


def test_the_lists_that_were_asked_are_kept_with_the_attempt() -> None:
    asked = DoNotCallGate([OLD]).evidence(person(), NOW)
    assert asked == {"do_not_call_lists": {"national": "2026-10-22"}}
