"""Where a number may be, by the packaged zone data."""

import os
import subprocess
import sys
from pathlib import Path

import phonenumbers
import pytest
import tzdata  # type: ignore[import-untyped]  # has no stubs
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.whereabouts import zones_of
from callagent_cli.eligibility.zones import UnknownZone, _place, place_of_number, zone_named

ROOT = Path(__file__).parents[2]


def zones(phone: str, timezone: str = "") -> list[str]:
    return [zone.key for zone in zones_of(Contact(phone, phone, timezone=timezone))]


def test_the_column_is_believed_before_the_number() -> None:
    assert zones("+12125550101", "Pacific/Honolulu") == ["Pacific/Honolulu"]


def test_a_number_stands_for_its_whole_area_code() -> None:
    # exchanges of +1 850 lie on both sides of the line; the rest of the plan gives it one zone
    assert zones("+18505550101") == ["America/Chicago", "America/New_York"]
    assert zones("+12125550101") == ["America/New_York"]


def test_other_countries_have_area_codes_too() -> None:
    assert zones("+61299990000") == ["Australia/Lord_Howe", "Australia/Sydney"]
    assert zones("+442079460123") == ["Europe/London"]


def test_a_mobile_may_be_anywhere_in_its_country() -> None:
    assert {"Australia/Perth", "Australia/Sydney"} <= set(zones("+61412345678"))


@given(st.integers(2_000_000_000, 9_999_999_999))
def test_a_north_american_number_is_looked_up_by_its_area_code_as_by_itself(digits: int) -> None:
    number = phonenumbers.parse(f"+1{digits}")
    if phonenumbers.is_valid_number(number):
        assert place_of_number(f"+1{digits}") == _place(number)


def test_zone_data_have_one_door() -> None:
    package = ROOT / "callagent_cli"
    doors = [path.name for path in package.rglob("*.py") if "ZoneInfo(" in path.read_text()]
    assert doors == ["zones.py"]


def test_a_toll_free_number_may_be_anywhere() -> None:
    assert len(zones("+18005550199")) > 8


@pytest.mark.parametrize("phone", ["", "+", "nonsense", "+9991234567", "+80012345678"])
def test_what_has_no_place_has_no_zone(phone: str) -> None:
    assert zones(phone) == []


def test_a_name_that_the_data_no_longer_have_is_no_zone() -> None:
    assert zones("+12125550101", "Mars/Olympus") == []


def test_case_does_not_matter() -> None:
    assert zone_named("america/argentina/BUENOS_aires").key == "America/Argentina/Buenos_Aires"


@pytest.mark.parametrize("name", ["", "EST", "EST5EDT", "GMT", "UTC", "Etc/UTC", "Etc/GMT-3"])
def test_no_abbreviation_and_no_offset_is_a_place(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone_named(name)


def test_the_machines_own_zone_data_are_not_asked(tmp_path: Path) -> None:
    packaged = Path(tzdata.__file__).parent / "zoneinfo"
    (tmp_path / "America").mkdir()
    (tmp_path / "America" / "New_York").write_bytes((packaged / "Asia" / "Tokyo").read_bytes())
    script = (
        "import zoneinfo; from datetime import datetime\n"
        "fake = zoneinfo.ZoneInfo('America/New_York')\n"
        "from callagent_cli.eligibility.zones import zone_named\n"
        "real = zone_named('America/New_York')\n"
        "at = datetime(2026, 1, 1)\n"
        "print(at.replace(tzinfo=fake).utcoffset(), at.replace(tzinfo=real).utcoffset())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.split("\n")[0] == "9:00:00 -1 day, 19:00:00"
