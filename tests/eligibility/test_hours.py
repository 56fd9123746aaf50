"""Window, presets, holidays and margin together, as the gate decides."""

from datetime import UTC, date, datetime, timedelta

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.hours import HoursGate
from callagent_cli.eligibility.verdicts import Held
from callagent_cli.ledger.records import Candidate

WINDOW = CallingWindow.of("08:00", "21:00", ["mon", "tue", "wed", "thu", "fri", "sat"])
ANY_HOUR = CallingWindow.of("00:00", "24:00", range(7))
USUAL = HoursGate(WINDOW, ("by_country",), margin_s=300)
NEW_YORK, PARIS, LONDON, TOKYO = "+12125550101", "+33142680101", "+442079460123", "+81312345678"
SYDNEY = "+61299990000"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day, …


def candidate(phone: str, timezone: str = "", **columns: str) -> Candidate:
    return Candidate(Contact("c", phone, timezone=timezone, variables=columns), 0, None)


def held(gate: HoursGate, who: Candidate, at: datetime) -> Held:
    refusal = gate.refuse(who, at)
    assert isinstance(refusal, Held)
    return refusal


def test_the_usual_american_hours_are_the_windows_less_the_margin() -> None:
    monday = candidate(NEW_YORK)
    assert USUAL.refuse(monday, utc(2026, 11, 23, 13)) is None
    assert USUAL.refuse(monday, utc(2026, 11, 24, 1, 54, 59)) is None
    late = held(USUAL, monday, utc(2026, 11, 24, 1, 55))
    assert late == Held(
        utc(2026, 11, 24, 13), "less than 5 min before the end of the calling window"
    )


def test_a_french_number_is_left_alone_at_noon_and_on_holidays() -> None:
    who = candidate(PARIS)
    noon = held(USUAL, who, utc(2026, 11, 23, 12, 30))
    assert noon.until == utc(2026, 11, 23, 13)
    assert noon.reason == (
        "outside the hours of preset fr (mon to fri 10:00 to 13:00 and 14:00 to 20:00)"
    )
    before = held(USUAL, who, utc(2026, 11, 23, 11, 57))
    assert before.reason == "less than 5 min before the end of the hours of preset fr"
    armistice = held(USUAL, who, utc(2026, 11, 11, 10))
    assert armistice == Held(utc(2026, 11, 12, 9), "holiday: Armistice Day (FR)")


def test_a_country_without_a_preset_has_the_window() -> None:
    assert USUAL.refuse(candidate(TOKYO), utc(2026, 11, 23, 0)) is None
    assert USUAL.evidence(candidate(TOKYO), utc(2026, 11, 23, 0))["presets"] == {}


def test_no_preset_leaves_the_window_alone() -> None:
    assert HoursGate(WINDOW).refuse(candidate(PARIS), utc(2026, 11, 11, 11, 30)) is None


def test_of_several_presets_all_must_be_open() -> None:
    gate = HoursGate(WINDOW, ("fr", "in", "au"))
    assert gate.refuse(candidate(LONDON), utc(2026, 11, 23, 10)) is None
    assert gate.refuse(candidate(LONDON), utc(2026, 11, 23, 9, 30)) is not None
    assert gate.refuse(candidate(LONDON), utc(2026, 11, 23, 13, 30)) is not None


@pytest.mark.parametrize(
    ("columns", "begins", "ends"),
    [
        ({}, 10, 17),
        ({"state": "Ohio"}, 8, 21),
        ({"state": "KY"}, 10, 21),
        ({"zip": "33101"}, 8, 20),
        ({"state": "ME"}, 9, 17),
        ({"state": "Nowhere"}, 10, 17),
    ],
)
def test_the_strict_preset_knows_the_states(
    columns: dict[str, str], begins: int, ends: int
) -> None:
    gate = HoursGate(ANY_HOUR, ("us-strict",))
    who = candidate(NEW_YORK, "America/New_York", **columns)
    day = [utc(2026, 11, 24, 5) + timedelta(hours=n) for n in range(24)]
    assert [at for at in day if gate.refuse(who, at) is None] == day[begins:ends]


def test_a_state_of_another_country_is_no_state_of_the_us() -> None:
    gate = HoursGate(ANY_HOUR, ("us-strict",))
    perth = gate.evidence(candidate(SYDNEY, state="WA"), utc(2026, 11, 24))["presets"]
    assert perth == {
        "us-strict": {"hours": "mon to fri 10:00 to 17:00", "rules_as_of": "2026-11-22"}
    }


@pytest.mark.parametrize("state", ["AL", "LA", "MS", "PA", "RI", "UT"])
def test_states_that_forbid_calls_on_holidays_do_so(state: str) -> None:
    gate = HoursGate(ANY_HOUR, ("us-strict",))
    who = candidate(NEW_YORK, "America/New_York", state=state)
    thanksgiving = held(gate, who, utc(2026, 11, 26, 17))
    assert thanksgiving.reason.startswith("holiday: Thanksgiving")
    assert gate.refuse(candidate(NEW_YORK, state="OH"), utc(2026, 11, 26, 17)) is None


def test_public_holidays_follow_the_country_and_the_state() -> None:
    gate = HoursGate(WINDOW, public_holidays=("by_country",))
    caesar = utc(2026, 3, 31, 17)  # César Chávez's day, in California alone
    assert gate.refuse(candidate(NEW_YORK, state="NY"), caesar) is None
    there = candidate(NEW_YORK, state="CA")
    assert held(gate, there, caesar).reason == "holiday: Cesar Chavez Day (US-CA)"
    assert gate.evidence(there, caesar)["holiday_calendars"] == ["US-CA"]
    boxing_day = held(gate, candidate(LONDON), utc(2025, 12, 26, 12))
    assert boxing_day.until == utc(2025, 12, 27, 8)


def test_listed_calendars_hold_for_everybody() -> None:
    gate = HoursGate(WINDOW, public_holidays=("FR", "GB-SCT"))
    assert "FR" in held(gate, candidate(NEW_YORK), utc(2026, 7, 14, 17)).reason
    assert "GB-SCT" in held(gate, candidate(NEW_YORK), utc(2026, 11, 30, 17)).reason


def test_days_of_ones_own_are_skipped_however_many() -> None:
    closed = [date(2026, 12, 1) + timedelta(days=n) for n in range(35)]
    gate = HoursGate(CallingWindow.of("08:00", "21:00", range(7), closed))
    off = held(gate, candidate(NEW_YORK), utc(2026, 12, 1, 17))
    assert off.reason == "holiday: 2026-12-01 (calling_window.holidays)"
    assert off.until == utc(2027, 1, 5, 13)


def test_a_margin_has_no_place_where_one_day_runs_into_the_next() -> None:
    gate = HoursGate(ANY_HOUR, margin_s=300)
    midnight = utc(2026, 11, 24, 4, 55)
    assert gate.refuse(candidate(NEW_YORK), midnight + timedelta(minutes=4)) is None


def test_the_margin_is_real_time_when_the_clocks_change() -> None:
    gate = HoursGate(CallingWindow.of("00:00", "03:00", range(7)), margin_s=3600)
    in_march, in_november = utc(2026, 3, 8, 6, 0), utc(2026, 11, 1, 7, 0)
    assert gate.refuse(candidate(NEW_YORK), in_march - timedelta(seconds=1)) is None
    assert gate.refuse(candidate(NEW_YORK), in_march) is not None  # 01:00 EST; 02:00 is 03:00
    assert gate.refuse(candidate(NEW_YORK), in_november - timedelta(seconds=1)) is None
    assert gate.refuse(candidate(NEW_YORK), in_november) is not None


def test_the_evidence_tells_what_was_looked_at() -> None:
    at = utc(2026, 11, 23, 18)
    evidence = USUAL.evidence(candidate(NEW_YORK, zip="75001", state="the South"), at)
    assert evidence["zones"] == ["America/Chicago", "America/Denver"]
    assert evidence["zones_from"] == "zip column"
    assert evidence["zones_of_number"] == ["America/New_York"]
    assert evidence["not_understood"] == "state column"
    assert (evidence["country"], evidence["state"], evidence["margin_s"]) == ("US", "TX", 300)
    assert evidence["presets"] == {
        "us": {"hours": "mon to sun 08:00 to 21:00", "rules_as_of": "2026-11-22"}
    }
    assert evidence["local_times"] == {
        "America/Chicago": "2026-11-23T12:00:00-06:00",
        "America/Denver": "2026-11-23T11:00:00-07:00",
    }


def test_how_many_zones_are_too_many_is_for_the_config() -> None:
    toll_free = candidate("+18005550199")
    assert "add a `timezone` column" in held(USUAL, toll_free, utc(2026, 11, 23, 18)).reason
    assert "`state` or `postcode`" in held(USUAL, toll_free, utc(2026, 11, 23, 18)).reason
    two = candidate("+18505550101")
    assert USUAL.refuse(two, utc(2026, 11, 23, 18)) is None
    strict = HoursGate(WINDOW, max_zones=1)
    assert "may be in 2 time zones" in held(strict, two, utc(2026, 11, 23, 18)).reason
    assert strict.next_opening(two.contact, utc(2026, 11, 23, 18)) is None
