"""What follows a call."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.campaign.dial_rules import RedialRules, next_step
from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import FINAL_STATES, ContactState
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
