"""Windows on the wall clocks of the people called, against a checker that knows only minutes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.opening_times import OpeningTimes
from callagent_cli.eligibility.zones import zone_named

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WORKDAYS = CallingWindow.of("08:00", "21:00", ["mon", "tue", "wed", "thu", "fri"])
NEW_YORK, BERLIN, APIA = map(zone_named, ["America/New_York", "Europe/Berlin", "Pacific/Apia"])
CHANGING = [
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Nuuk",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Europe/Berlin",
    "Pacific/Chatham",
    "Pacific/Norfolk",
]
STEADY = ["Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kolkata"]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day, …


def opening(window: CallingWindow, *zones: ZoneInfo, margin_s: float = 0) -> OpeningTimes:
    return OpeningTimes([window.hours()], zones, margin_s=margin_s)


def independently_inside(window: CallingWindow, zones: Sequence[str], at: datetime) -> bool:
    """Count minutes since local midnight; shares nothing with the product but the zone data."""
    for zone in zones:
        local = datetime.fromtimestamp(at.timestamp(), ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        if not window.start <= minute < window.end:
            return False
        if local.isoweekday() - 1 not in window.days or local.date() in window.holidays:
            return False
    return True


@cache
def change_days(zone: str) -> list[date]:
    """Days of 2024 to 2027 on which the zone's offset changes."""
    noons = [utc(2024, 1, 1, 12) + n * DAY for n in range(4 * 365)]
    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
    return [
        noon.date()
        for noon, before, after in zip(noons[1:], offsets, offsets[1:], strict=False)
        if before != after
    ]


@st.composite
def windows(draw: st.DrawFn) -> CallingWindow:
    """Windows at odd minutes too, and short ones in the small hours, where clocks change."""
    start = draw(st.integers(0, 1438) | st.integers(0, 240))
    end = draw(st.integers(start + 1, 1440) | st.integers(start + 1, min(start + 90, 1440)))
    days = draw(st.sets(st.integers(0, 6), min_size=5))
    return CallingWindow(start, end, frozenset(days))


@st.composite
def places_and_days(draw: st.DrawFn) -> tuple[list[str], date]:
    first = draw(st.sampled_from(CHANGING))
    others = draw(st.lists(st.sampled_from(CHANGING + STEADY), max_size=2))
    near = draw(st.sampled_from(change_days(first))) + draw(st.integers(-1, 1)) * DAY
    return sorted({first, *others}), near


@settings(max_examples=60, deadline=None)
@given(windows(), places_and_days(), st.booleans())
def test_every_minute_around_a_change_of_clocks(
    window: CallingWindow, where: tuple[list[str], date], is_holiday: bool
) -> None:
    names, day = where
    if is_holiday:
        window = CallingWindow(window.start, window.end, window.days, frozenset({day}))
    times = opening(window, *map(zone_named, names))
    begin = datetime.combine(day, time(0), UTC)
    minutes = [begin + n * MINUTE for n in range(2 * 1440)]
    inside = [independently_inside(window, names, at) for at in minutes]
    assert [times.includes(at) for at in minutes] == inside
    first_inside: datetime | None = None
    for at, is_inside in reversed(list(zip(minutes, inside, strict=True))):
        first_inside = at if is_inside else first_inside
        if first_inside is not None and at.minute % 10 == 7:
            assert times.next_opening(at) == first_inside


@settings(max_examples=60, deadline=None)
@given(windows(), places_and_days(), st.integers(0, 86_399))
def test_an_opening_is_inside_and_the_second_before_it_is_not(
    window: CallingWindow, where: tuple[list[str], date], second: int
) -> None:
    names, day = where
    after = datetime.combine(day, time(0), UTC) + timedelta(seconds=second)
    opens = opening(window, *map(zone_named, names)).next_opening(after)
    if opens is None:
        spread = [after + n * 15 * MINUTE for n in range(14 * 96)]
        assert not any(independently_inside(window, names, at) for at in spread)
        return
    assert opens >= after
    assert independently_inside(window, names, opens)
    if opens > after:
        assert not independently_inside(window, names, opens - timedelta(seconds=1))


def test_the_end_is_the_first_moment_outside() -> None:
    times = opening(WORKDAYS, NEW_YORK)
    assert times.includes(utc(2026, 11, 23, 13, 0))
    assert not times.includes(utc(2026, 11, 23, 12, 59, 59))
    assert times.includes(utc(2026, 11, 24, 1, 59, 59))
    assert not times.includes(utc(2026, 11, 24, 2, 0))


def test_a_window_may_last_to_midnight() -> None:
    window = CallingWindow.of("18:00", "24:00", range(7))
    assert opening(window, BERLIN).includes(utc(2026, 11, 23, 22, 59, 59))
    assert not opening(window, BERLIN).includes(utc(2026, 11, 23, 23, 0))
    assert str(window) == "18:00 to 24:00, mon, tue, wed, thu, fri, sat, sun"


def test_every_zone_must_be_inside() -> None:
    times = opening(WORKDAYS, NEW_YORK, zone_named("America/Los_Angeles"))
    assert not times.includes(utc(2026, 11, 23, 15, 0))
    assert times.next_opening(utc(2026, 11, 23, 15, 0)) == utc(2026, 11, 23, 16, 0)


def test_no_zone_is_never_inside() -> None:
    assert not opening(WORKDAYS).includes(utc(2026, 11, 23, 15, 0))
    assert opening(WORKDAYS).next_opening(utc(2026, 11, 23, 15, 0)) is None


def test_weekends_and_holidays_are_skipped() -> None:
    thanksgiving = date(2026, 11, 26)
    window = CallingWindow.of("08:00", "21:00", ["Thu", "Fri"], [thanksgiving])
    assert opening(window, NEW_YORK).next_opening(utc(2026, 11, 25, 12)) == utc(2026, 11, 27, 13)


def test_an_opening_that_the_clocks_skip_comes_with_the_next_minute() -> None:
    window = CallingWindow.of("02:30", "04:00", range(7))
    opens = opening(window, NEW_YORK).next_opening(utc(2026, 3, 8, 6, 0))
    assert opens == utc(2026, 3, 8, 7, 0)  # 02:00 EST is 03:00 EDT


def test_an_hour_that_comes_twice_opens_twice() -> None:
    window = CallingWindow.of("01:30", "01:45", range(7))
    first = opening(window, NEW_YORK).next_opening(utc(2026, 11, 1, 5, 0))
    again = opening(window, NEW_YORK).next_opening(utc(2026, 11, 1, 5, 45))
    assert (first, again) == (utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 6, 30))


def test_a_day_that_a_country_leaves_out_is_no_day() -> None:
    window = CallingWindow.of("08:00", "21:00", ["fri"])
    assert opening(window, APIA).next_opening(utc(2011, 12, 29, 12)) == utc(2012, 1, 5, 18)


@pytest.mark.parametrize("zones", [["Pacific/Kiritimati", "Pacific/Honolulu"]])
def test_zones_that_never_share_an_hour_have_no_opening(zones: list[str]) -> None:
    window = CallingWindow.of("09:00", "17:00", ["mon"])
    assert opening(window, *map(zone_named, zones)).next_opening(utc(2026, 11, 20)) is None


@pytest.mark.parametrize(("start", "end"), [("21:00", "08:00"), ("08:00", "08:00")])
def test_a_window_that_cannot_open_is_refused(start: str, end: str) -> None:
    with pytest.raises(ValueError, match="cannot open"):
        CallingWindow.of(start, end, ["mon"])
