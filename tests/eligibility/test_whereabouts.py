"""A contact's columns say where it is before its number does."""

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.places import state_named, state_of_postcode, zones_of_state
from callagent_cli.eligibility.whereabouts import Whereabouts, whereabouts
from callagent_cli.eligibility.zones import zone_named

NEW_YORK, TORONTO, SYDNEY = "+12125550101", "+14165550101", "+61299990000"
TOLL_FREE, LONDON, SAN_JUAN = "+18005550199", "+442079460123", "+17875550101"


def found(phone: str, timezone: str = "", **columns: str) -> Whereabouts:
    return whereabouts(Contact("c", phone, timezone=timezone, variables=columns))


def zones(where: Whereabouts) -> list[str]:
    return [zone.key for zone in where.zones]


@pytest.mark.parametrize("column", ["state", "province", "region"])
def test_a_state_stands_for_all_its_zones(column: str) -> None:
    where = found(NEW_YORK, **{column: "Tennessee"})
    assert zones(where) == ["America/Chicago", "America/New_York"]
    assert (where.state, where.source) == ("TN", f"{column} column")
    assert [zone.key for zone in where.zones_of_number] == ["America/New_York"]


@pytest.mark.parametrize("column", ["postcode", "zip", "zip_code", "postal_code"])
def test_a_postcode_stands_for_its_state(column: str) -> None:
    where = found(TOLL_FREE, **{column: "96813"})
    assert (zones(where), where.state) == (["Pacific/Honolulu"], "HI")
    assert where.source == f"{column} column"


def test_the_first_column_that_says_something_is_believed() -> None:
    both = found(NEW_YORK, "Europe/Rome", state="TX", zip="96813")
    assert (zones(both), both.state, both.source) == (["Europe/Rome"], "TX", "timezone column")
    assert found(NEW_YORK, state="TX", zip="96813").state == "TX"
    assert found(NEW_YORK, state=" ", zip="96813").state == "HI"


def test_what_is_not_understood_is_said_and_passed_over() -> None:
    where = found(NEW_YORK, state="the South", zip="96813")
    assert (where.state, where.not_understood) == ("HI", "state")
    nothing = found(NEW_YORK, zip="00000")
    assert (zones(nothing), nothing.source) == (["America/New_York"], "phone number")
    assert nothing.not_understood == "zip"


def test_the_country_is_the_numbers() -> None:
    assert zones(found(SYDNEY, state="WA")) == ["Australia/Eucla", "Australia/Perth"]
    assert zones(found(NEW_YORK, state="WA")) == ["America/Los_Angeles"]
    assert zones(found(TORONTO, province="Québec")) == sorted(zones_of_state("CA", "QC"))
    assert found(LONDON, state="WA", postcode="90210").not_understood == ""
    assert found(SAN_JUAN, state="FL").state == "FL"


@pytest.mark.parametrize(
    ("country", "name", "state"),
    [
        ("US", "tx", "TX"),
        ("US", "US-TX", "TX"),
        ("US", "new  york", "NY"),
        ("US", "N.Y.", "NY"),
        ("US", "Washington", "WA"),
        ("US", "Washington, D.C.", "DC"),
        ("US", "Ontario", ""),
        ("US", "", ""),
        ("CA", "quebec", "QC"),
        ("CA", "on", "ON"),
        ("AU", "new south wales", "NSW"),
        ("FR", "IDF", ""),
    ],
)
def test_names_of_states_are_read_as_people_write_them(
    country: str, name: str, state: str
) -> None:
    assert state_named(country, name) == state


@pytest.mark.parametrize(
    ("country", "postcode", "state"),
    [
        ("US", "10001", "NY"),
        ("US", "06390-1234", "NY"),
        ("US", "06391", "CT"),
        ("US", "2134", "MA"),  # a spreadsheet ate the zero
        ("US", "967990001", ""),
        ("US", "96799", "AS"),
        ("US", "96940", ""),  # Palau
        ("US", "09012", ""),  # the army's
        ("US", "K1A 0B1", ""),
        ("CA", "k1a 0b1", "ON"),
        ("CA", "X0A 0H0", "NU"),
        ("CA", "X1A 2B2", "NT"),
        ("AU", "800", "NT"),
        ("AU", "2880", "NSW"),
        ("AU", "2601", "ACT"),
        ("AU", "6798", ""),  # Christmas Island
        ("GB", "SW1A 1AA", ""),
    ],
)
def test_postcodes_lead_to_their_state(country: str, postcode: str, state: str) -> None:
    assert state_of_postcode(country, postcode) == state


@pytest.mark.parametrize("country", ["US", "CA", "AU"])
def test_every_zone_of_every_state_is_in_the_data(country: str) -> None:
    from callagent_cli.eligibility.places import _places

    for code in _places()[country]:
        assert [zone_named(name).key for name in zones_of_state(country, code)]
