"""Calls counted by attempt, by the contact's own hour, over time and by cost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from callagent_cli.ledger.records import EndedCall
from callagent_cli.reporting.figures import AttemptReach, HourReach
from callagent_cli.reporting.tally import tallied

NOON = datetime(2026, 7, 1, 12, 5, 30, tzinfo=UTC)
CALL = EndedCall(1, NOON, "answered", 0.1, "+12025550101", "", ("America/New_York",))


def test_reach_counts_only_the_answered() -> None:
    calls = [CALL, replace(CALL, disposition="busy"), replace(CALL, attempt_no=2)]
    assert tallied(calls).by_attempt() == (
        AttemptReach(calls=2, answered=1, reach=0.5, attempt_no=1),
        AttemptReach(calls=1, answered=1, reach=1.0, attempt_no=2),
    )


def test_the_hour_is_the_contacts_own() -> None:
    """12:05 UTC is 8:05 in a summer of New York and 14:05 in one of Berlin."""
    calls = [CALL, replace(CALL, zones=("Europe/Berlin",), disposition="no_answer")]
    assert tallied(calls).by_hour() == (
        HourReach(calls=1, answered=1, reach=1.0, hour=8),
        HourReach(calls=1, answered=0, reach=0.0, hour=14),
    )


def test_an_hour_that_differs_between_the_contacts_zones_is_not_guessed() -> None:
    either = replace(CALL, zones=("America/New_York", "America/Chicago"))
    agree = replace(CALL, zones=("America/New_York", "America/Detroit"))
    assert [row.hour for row in tallied([either, agree]).by_hour()] == [8, None]


@pytest.mark.parametrize(
    ("phone", "timezone", "hour"),
    [("+12025550101", "", 8), ("+12025550101", "Asia/Kathmandu", 17), ("+8835100", "", None)],
)
def test_without_a_calling_window_the_contact_says_its_zone(
    phone: str, timezone: str, hour: int | None
) -> None:
    call = replace(CALL, phone=phone, timezone=timezone, zones=())
    assert [row.hour for row in tallied([call]).by_hour()] == [hour]


@pytest.mark.parametrize("lasted", [timedelta(0), timedelta(hours=3), timedelta(days=900)])
def test_periods_have_no_gaps_and_hold_every_call(lasted: timedelta) -> None:
    times = [NOON, NOON + lasted / 3, NOON + lasted]
    periods = tallied(replace(CALL, started_at=at) for at in times).by_time()
    assert 1 <= len(periods) <= 49
    assert sum(period.calls for period in periods) == 3
    assert periods[0].begins_at <= NOON < periods[0].ends_at
    assert periods[-1].begins_at <= NOON + lasted < periods[-1].ends_at
    assert all(one.ends_at == next_.begins_at for one, next_ in pairwise(periods))


def test_cost_is_of_the_calls_that_have_one() -> None:
    calls = [CALL, replace(CALL, cost_usd=0.2, disposition="busy"), replace(CALL, cost_usd=None)]
    cost = tallied(calls).cost()
    assert (cost.total_usd, cost.per_call_usd) == (0.3, 0.15)
    assert cost.per_answered_usd == 0.15  # two were answered
    assert cost.by_disposition == {"answered": 0.1, "busy": 0.2}


def test_no_cost_is_not_a_cost_of_zero() -> None:
    assert tallied([replace(CALL, cost_usd=None)]).cost().total_usd is None
