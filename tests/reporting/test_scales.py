"""Round numbers on a chart's axes."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from callagent_cli.reporting.scales import count_ticks, time_ticks


@pytest.mark.parametrize("top", [1, 2, 3, 7, 10, 99, 100, 12_345])
def test_counts_are_whole_and_reach_the_top(top: int) -> None:
    ticks = count_ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top
    assert len(ticks) <= 6
    assert len({after - before for before, after in itertools.pairwise(ticks)}) == 1


@pytest.mark.parametrize("minutes", [0.5, 7, 95, 60 * 30, 60 * 24 * 40, 60 * 24 * 4000])
def test_times_are_between_the_ends_and_not_too_many(minutes: float) -> None:
    begin = datetime(2026, 3, 1, 9, 7, 12, tzinfo=UTC)
    end = begin + timedelta(minutes=minutes)
    ticks = time_ticks(begin, end, 6)
    assert 1 <= len(ticks) <= 7
    assert all(begin <= at <= end for at, _ in ticks)
    assert len({name for _, name in ticks}) == len(ticks)
