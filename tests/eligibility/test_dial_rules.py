"""What follows a call."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.campaign.dial_rules import History, RedialRules, next_step
from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import FINAL_STATES, ContactState
from callagent_cli.eligibility.callback import callback_at
from callagent_cli.ledger.records import NextStep

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
DELAYS: dict[Disposition, float | None] = {
    Disposition.NO_ANSWER: 4 * 3600,
    Disposition.BUSY: 1800,
    Disposition.VOICEMAIL: 86_400,
    Disposition.FAILED: None,
}
RULES = RedialRules(DELAYS, max_attempts=3)
MISSED = [Disposition.NO_ANSWER, Disposition.BUSY, Disposition.VOICEMAIL, Disposition.FAILED]


def after(disposition: Disposition, calls_made: int = 1, rules: RedialRules = RULES) -> NextStep:
    return next_step(disposition, calls_made=calls_made, rules=rules, now=NOW)


def test_an_answered_call_completes_the_contact() -> None:
    assert after(Disposition.ANSWERED) == NextStep(ContactState.COMPLETED, reason="answered")


@pytest.mark.parametrize(
    ("disposition", "delay_s"),
    [(Disposition.NO_ANSWER, 14_400), (Disposition.BUSY, 1800), (Disposition.VOICEMAIL, 86_400)],
)
def test_a_missed_call_is_due_again_after_its_own_delay(
    disposition: Disposition, delay_s: float
) -> None:
    step = after(disposition)
    assert step.state is ContactState.DEFERRED
    assert step.next_at == NOW + timedelta(seconds=delay_s)
    assert "call 2 of at most 3" in step.reason


def test_a_failed_call_may_be_redialled_when_configured() -> None:
    rules = RedialRules({Disposition.FAILED: 60.0}, max_attempts=3)
    assert after(Disposition.FAILED, rules=rules).next_at == NOW + timedelta(seconds=60)


def test_a_delay_of_zero_is_a_redial_and_not_never() -> None:
    rules = RedialRules({Disposition.BUSY: 0.0}, max_attempts=3)
    assert after(Disposition.BUSY, rules=rules).next_at == NOW


@pytest.mark.parametrize("disposition", MISSED)
def test_never_ends_the_contact(disposition: Disposition) -> None:
    step = after(disposition, rules=RedialRules(dict.fromkeys(MISSED), max_attempts=3))
    is_technical = disposition is Disposition.FAILED
    assert step.state is (ContactState.FAILED if is_technical else ContactState.EXHAUSTED)
    assert not step.is_transient, "the phone may have rung: no run takes it up by itself"


@pytest.mark.parametrize("disposition", MISSED)
def test_a_disposition_without_a_rule_is_never_redialled(disposition: Disposition) -> None:
    assert after(disposition, rules=RedialRules({}, max_attempts=9)).state in FINAL_STATES


@pytest.mark.parametrize("disposition", MISSED)
def test_used_up_attempts_exhaust_the_contact(disposition: Disposition) -> None:
    rules = RedialRules(dict.fromkeys(MISSED, 60.0), max_attempts=3)
    step = after(disposition, calls_made=3, rules=rules)
    assert (step.state, step.next_at) == (ContactState.EXHAUSTED, None)
    assert "all 3 attempts are used" in step.reason


def test_an_end_that_nobody_understands_is_never_redialled() -> None:
    step = after(Disposition.UNKNOWN)
    assert (step.state, step.next_at) == (ContactState.COMPLETED, None)
    assert "nobody knows how" in step.reason


@given(
    st.sampled_from(Disposition),
    st.integers(1, 9),
    st.integers(1, 5),
    st.none() | st.floats(0, 1e6),
)
def test_only_a_contact_with_attempts_left_is_due_again(
    disposition: Disposition, calls_made: int, max_attempts: int, delay_s: float | None
) -> None:
    rules = RedialRules(dict.fromkeys(Disposition, delay_s), max_attempts)
    step = after(disposition, calls_made, rules)
    assert (step.state is ContactState.DEFERRED) == (step.next_at is not None)
    assert step.state in FINAL_STATES or calls_made < max_attempts
    assert step.reason


EASTERN = ZoneInfo("America/New_York")


def _at(hour: int, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=EASTERN).astimezone(UTC)


def test_each_ending_may_have_a_limit_of_its_own() -> None:
    rules = RedialRules(DELAYS, max_attempts=9, most={Disposition.VOICEMAIL: 2})
    calls = [(_at(9), Disposition.VOICEMAIL), (_at(12), Disposition.BUSY)]
    once = next_step(Disposition.BUSY, calls_made=2, rules=rules, now=NOW, history=History(calls))
    assert once.state is ContactState.DEFERRED
    again = [*calls, (_at(15), Disposition.VOICEMAIL)]
    twice = next_step(
        Disposition.VOICEMAIL, calls_made=3, rules=rules, now=NOW, history=History(again)
    )
    assert twice.state is ContactState.EXHAUSTED
    assert "2 times" in twice.reason


@pytest.mark.parametrize(
    ("tried", "ended_at", "expected"),
    [
        ([9], _at(9), _at(13)),  # four hours later it is another part of the day anyway
        ([14], _at(14), _at(18)),
        ([9, 14], _at(14), _at(18)),
        ([9, 18], _at(18), _at(12, day=24)),
        ([9, 14, 18], _at(18), _at(22)),  # every part was tried: as soon as it may be
        ([10], _at(6), _at(12)),
    ],
)
def test_calls_are_spread_over_the_parts_of_the_contacts_day(
    tried: list[int], ended_at: datetime, expected: datetime
) -> None:
    missed = Disposition.NO_ANSWER
    rules = RedialRules(DELAYS, max_attempts=9, spread=frozenset({missed}))
    history = History([(_at(hour), missed) for hour in tried], zone=EASTERN)
    step = next_step(missed, calls_made=1, rules=rules, now=ended_at, history=history)
    assert step.next_at == expected


@given(
    hours=st.lists(st.integers(0, 23), min_size=1, max_size=8),
    minutes=st.integers(0, 525_600),
)
def test_a_spread_call_is_never_earlier_than_its_delay_nor_a_day_later(
    hours: list[int], minutes: int
) -> None:
    missed, now = Disposition.NO_ANSWER, NOW + timedelta(minutes=minutes)
    rules = RedialRules(DELAYS, max_attempts=99, spread=frozenset({missed}))
    history = History([(_at(hour), missed) for hour in hours], zone=EASTERN)
    step = next_step(missed, calls_made=1, rules=rules, now=now, history=history)
    earliest = now + timedelta(seconds=14_400)
    assert step.next_at is not None
    assert earliest <= step.next_at <= earliest + timedelta(hours=26)


def test_a_time_that_the_person_asked_for_comes_first() -> None:
    history = History([(_at(9), Disposition.ANSWERED)], callback_at=_at(15, day=25))
    step = next_step(Disposition.ANSWERED, calls_made=1, rules=RULES, now=NOW, history=history)
    assert (step.state, step.next_at) == (ContactState.DEFERRED, _at(15, day=25))
    assert "asked to be called" in step.reason
    last = next_step(Disposition.ANSWERED, calls_made=3, rules=RULES, now=NOW, history=history)
    assert last.state is ContactState.COMPLETED, "no attempts are left"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-11-24T15:30", datetime(2026, 11, 24, 20, 30, tzinfo=UTC)),
        ("2026-11-24 15:30", datetime(2026, 11, 24, 20, 30, tzinfo=UTC)),
        ("2026-11-24T15:30+00:00", datetime(2026, 11, 24, 15, 30, tzinfo=UTC)),
        ("2026-11-22T15:30", None),  # past
        ("2027-11-24T15:30", None),  # a year off: misheard
        ("tomorrow at three", None),
        ("", None),
    ],
)
def test_when_to_call_again_is_read_in_the_contacts_own_time(
    said: str, expected: datetime | None
) -> None:
    found = callback_at({"callback_at": said}, "callback_at", zone=EASTERN, now=NOW)
    assert found == expected


def test_without_a_zone_a_local_time_is_no_time() -> None:
    asked = {"callback_at": "2026-11-24T15:30"}
    assert callback_at(asked, "callback_at", zone=None, now=NOW) is None
