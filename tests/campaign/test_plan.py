"""The plan's own arithmetic: whose turn comes when, what it costs, which limit comes first."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from callagent_cli.campaign.forecast import CallCost, Pace
from callagent_cli.campaign.limits import RunLimits
from callagent_cli.campaign.plan import Fate, Outlook, Plan, Planned, planned
from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.consent import ConsentGate
from callagent_cli.eligibility.decision import Rules
from callagent_cli.eligibility.hours import HoursGate

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday, 10:00 in New York
CALL = CallCost(talk_s=60, answered_share=0.5, usd_per_minute=0.12)
ANY_HOUR = Rules((ConsentGate(is_required=False),), HoursGate(None))


def people(n: int) -> list[Contact]:
    return [Contact(f"c{k}", f"+1202555{k:04d}", line=k + 2) for k in range(n)]


def outlook(
    limits: RunLimits | None = None, *, rules: Rules = ANY_HOUR, lanes: int = 2, gap_s: float = 0
) -> Outlook:
    limits = limits or RunLimits()
    return Outlook("spring", rules, limits, Pace(lanes, CALL, gap_s), NOW)


def plan_of(rows: Sequence[Contact | RejectedRow], of: Outlook) -> tuple[Plan, list[Planned]]:
    plan, told = Plan(of), []
    for row in planned(rows, of, None):
        plan.add(row)
        if isinstance(row, Planned):
            told.append(row)
    return plan, told


def test_two_lanes_call_two_at_once_and_the_third_when_a_lane_is_free() -> None:
    plan, told = plan_of(people(5), outlook())
    lane = timedelta(seconds=CALL.lane_s)
    assert [row.at for row in told] == [NOW, NOW, NOW + lane, NOW + lane, NOW + 2 * lane]
    assert plan.finish_at == NOW + 3 * lane


def test_the_pace_spreads_calls_that_lanes_would_allow() -> None:
    _, told = plan_of(people(4), outlook(lanes=64, gap_s=15))
    assert [(row.at or NOW) - NOW for row in told] == [timedelta(seconds=15 * n) for n in range(4)]


def test_who_comes_after_the_limit_is_left_for_a_later_run_and_told_so() -> None:
    plan, told = plan_of(people(5), outlook(RunLimits(max_dials=3)))
    assert [row.fate for row in told] == [Fate.CALL] * 3 + [Fate.LATER] * 2
    assert "3" in told[-1].reason
    assert plan.to_call == 3


def test_the_budget_ends_the_plan_where_the_next_call_would_break_it() -> None:
    usd = CALL.usd or 0
    plan, _ = plan_of(people(10), outlook(RunLimits(max_cost_usd=4.5 * usd)))
    assert 3 <= plan.to_call <= 5, "what a run may spend, at about"
    assert plan.cost_usd == pytest.approx((plan.to_call * usd, plan.to_call * 0.12))


def test_whose_window_closes_before_its_turn_is_held_and_not_planned_into_the_night() -> None:
    closes = CallingWindow.of("09:00", "10:03", ("mon", "tue", "wed", "thu", "fri"), ())
    _, told = plan_of(people(10), outlook(rules=Rules((), HoursGate(closes)), lanes=1))
    fates = [row.fate for row in told]
    assert fates == [Fate.CALL] * 4 + [Fate.HELD] * 6  # one every 50 s, for three minutes
    assert "its hours end before its turn" in told[-1].reason
    assert told[-1].at == datetime(2026, 11, 24, 14, 0, tzinfo=UTC)  # the next morning
    assert told[-1].local is not None
    assert told[-1].local.hour == 9


def test_reasons_that_differ_for_everybody_are_summed_up_beyond_two_hundred() -> None:
    plan = Plan(outlook())
    for k, person in enumerate(people(1000)):
        plan.add(Planned(person, Fate.HELD, f"asked to be called at {k}"))
    assert len(plan.reasons) <= 201
    assert sum(plan.reasons.values()) == 1000


def test_rejected_rows_are_counted_and_the_first_are_told() -> None:
    rows = [RejectedRow(k, "phone", "x", "no number", "write one") for k in range(50)]
    plan, told = plan_of(rows, outlook())
    assert (plan.rejected_count, len(plan.rejected), told) == (50, 20, [])


def test_without_a_price_no_cost_is_invented() -> None:
    plan = Plan(Outlook("s", ANY_HOUR, RunLimits(), Pace(1, CallCost(60, 0.5)), NOW))
    assert plan.cost_usd is None
    assert plan.to_json()["cost_usd"] is None
