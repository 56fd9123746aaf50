"""How fast, how often, at what cost: as configured, on simulated time."""

from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from callagent_cli.campaign.limits import HaltRule, RunLimits, Spent
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import EventName
from callagent_cli.simulator.faults import FaultPlan
from tests.support.rehearsal import Played, play

PEOPLE = [Contact(f"c{n}", f"+1202555{n:04d}", timezone="America/New_York") for n in range(60)]


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Played]:
    """Play a campaign of sixty with these settings, on so many lines."""
    monkeypatch.chdir(tmp_path)

    def run(settings: str, lines: int) -> Played:
        (tmp_path / "config.yml").write_text(f"campaign: {{{settings}}}\n")
        return play(
            tmp_path, FaultPlan(), PEOPLE, services=frozenset(), seed=1746, concurrency=lines
        )

    return run


def test_no_more_calls_a_minute_than_configured(campaign: Callable[[str, int], Played]) -> None:
    with closing(campaign("calls_per_minute: 6", 20)) as played:
        gaps = [b - a for a, b in pairwise(played.dials_at_s)]
    assert len(gaps) >= 59
    assert min(gaps) >= 9.99


def test_a_day_s_calls_end_the_run_and_it_can_be_resumed(
    campaign: Callable[[str, int], Played],
) -> None:
    with closing(campaign("max_calls_per_day: 7", 3)) as played:
        assert len(played.dials_at_s) == 7
        assert played.summary.exit_status == 4
        assert "limit of 7 calls a day" in played.summary.reason
        assert played.ledger.spent_since(played.clock.now())[0] == 0


def test_too_many_failures_halt_the_run_with_one_alert(
    campaign: Callable[[str, int], Played],
) -> None:
    with closing(campaign("halt: {failed: 1%, after: 1}", 1)) as played:
        assert len(played.dials_at_s) < 60
        assert played.summary.exit_status == 4
        assert "look at the agent" in played.summary.reason
        halted = [e for e in played.events if e.name is EventName.RUN_HALTED]
    assert len(halted) == 1


def _spent(**used: float) -> Spent:
    usual: dict[str, float] = {
        "dialled": 0, "under_way": 0, "cost_usd": 0.0, "mean_cost_usd": 0.0, "elapsed_s": 0.0,
    }  # fmt: skip
    return Spent(**{**usual, **used})  # type: ignore[arg-type]


def test_a_day_s_budget_reserves_what_is_under_way() -> None:
    limits = RunLimits(max_cost_usd_per_day=10)
    assert limits.reached(_spent(cost_usd_today=9.0, under_way=1, mean_cost_usd=0.5)) is None
    assert limits.reached(_spent(cost_usd_today=9.0, under_way=2, mean_cost_usd=0.5)) is not None


@pytest.mark.parametrize(
    ("ended", "failed", "is_halted"), [(19, 19, False), (20, 5, False), (20, 6, True)]
)
def test_a_halt_waits_for_enough_calls(ended: int, failed: int, is_halted: bool) -> None:
    limits = RunLimits(halt=HaltRule(0.3, after=20))
    assert (limits.halted(_spent(ended=ended, failed=failed)) is not None) is is_halted
