"""When a campaign is started, as people write it."""

from datetime import time

import pytest

from callagent_cli.scheduling.times import DAYS, Slot, read_times


def starts(text: str) -> set[tuple[str, time]]:
    return {start for slot in read_times([text]) for start in slot.starts()}


def test_one_time_is_every_day() -> None:
    assert read_times(["9:05"]) == [Slot(DAYS, (9,), (5,))]


def test_days_are_a_range_or_a_list_or_both() -> None:
    assert read_times(["mon-wed,sat 09:30"]) == [Slot(("mon", "tue", "wed", "sat"), (9,), (30,))]


def test_a_range_with_a_step_holds_both_of_its_ends() -> None:
    assert starts("sat 09:00-10:30/30m") == {
        ("sat", time(9)),
        ("sat", time(9, 30)),
        ("sat", time(10)),
        ("sat", time(10, 30)),
    }
    assert starts("sat 09:15-13:00/2h") == {("sat", time(9, 15)), ("sat", time(11, 15))}


def test_no_start_is_made_that_nobody_wrote() -> None:
    """Cron takes every minute of a line with every hour of it."""
    assert starts("mon 09:30,13:00") == {("mon", time(9, 30)), ("mon", time(13))}
    assert len(read_times(["mon 09:30,13:00"])) == 2
    assert len(read_times(["mon 09:30,13:30"])) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no time"),
        ("noon", "is no time"),
        ("25:00", "is no time"),
        ("9.30", "is no time"),
        ("mo 09:30", "names no days"),
        ("fri-mon 09:30", "earlier day"),
        ("17:00-09:00/1h", "before the first"),
        ("09:00-10:00/1m", "five minutes"),
        ("mon fri 09:00", "is no time"),
    ],
)
def test_what_is_no_time_is_told_with_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_times([text])
