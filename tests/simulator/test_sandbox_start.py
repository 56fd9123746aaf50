"""When a rehearsal begins: a weekday inside every usual American calling window."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from callagent_cli.simulator.virtual_clock import sandbox_start

ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_any_moment_of_two_years_leads_into_the_window_of_a_weekday() -> None:
    now = at("2026-01-01T00:30")
    for _ in range(0, 2 * 366 * 24, 7):
        now += timedelta(hours=7)
        start = sandbox_start(now, not_before=None)
        for zone in ZONES:
            local = start.astimezone(ZoneInfo(zone))
            assert local.weekday() < 5
            assert 9 <= local.hour < 20
        assert abs(start - now) < timedelta(days=4)


@pytest.mark.parametrize(
    ("not_before", "start"),
    [
        ("2026-11-23T17:59:59", "2026-11-23T18:00:00"),  # a Monday
        ("2026-11-23T19:30:00", "2026-11-23T19:30:01"),  # goes on the same day
        ("2026-11-23T23:00:00", "2026-11-24T18:00:00"),  # too late in it
        ("2026-11-27T23:30:00", "2026-11-30T18:00:00"),  # Friday evening: Monday
        ("2026-11-28T19:00:00", "2026-11-30T18:00:00"),  # Saturday: Monday
        ("2027-03-01T12:00:00", "2027-03-01T18:00:00"),  # rehearsals that ran ahead of time
    ],
)
def test_rehearsal_begins_after_the_last_one(not_before: str, start: str) -> None:
    assert sandbox_start(at("2026-11-23T10:00"), not_before=at(not_before)) == at(start)


def test_start_is_always_later_than_the_last_record() -> None:
    for hours in range(24 * 14):
        last = at("2026-11-20T00:00") + timedelta(hours=hours, minutes=17)
        start = sandbox_start(at("2026-11-23T10:00"), not_before=last)
        assert last < start
        assert start.weekday() < 5


def test_other_zones_are_understood() -> None:
    tokyo = datetime(2026, 11, 24, 1, 0, tzinfo=ZoneInfo("Asia/Tokyo"))  # Monday 16:00 UTC
    assert sandbox_start(tokyo, not_before=None) == at("2026-11-23T18:00")
    assert sandbox_start(tokyo, not_before=tokyo) == at("2026-11-23T18:00")
