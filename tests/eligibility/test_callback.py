"""A time that a contact asked for, in the contacts file."""

from datetime import UTC, datetime, timedelta

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.callback import CallbackGate
from callagent_cli.eligibility.verdicts import Held
from callagent_cli.ledger.records import Candidate

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
NEW_YORK = "+12125550101"
PLACELESS = "+18005550199"


def asks(when: str, phone: str = NEW_YORK) -> Candidate:
    return Candidate(Contact("c1", phone, variables={"callback_at": when}), 0, None)


def test_nobody_is_called_before_the_time_they_asked_for() -> None:
    asked = asks("2026-11-23T15:30")  # in New York
    opens = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
    assert CallbackGate().refuse(asked, NOW) == Held(
        opens, "asked to be called at 2026-11-23T15:30"
    )
    assert CallbackGate().refuse(asked, opens - timedelta(seconds=1)) is not None
    assert CallbackGate().refuse(asked, opens) is None


def test_an_offset_needs_no_zone() -> None:
    asked = asks("2026-11-23T21:30+01:00", PLACELESS)
    held = CallbackGate().refuse(asked, NOW)
    assert isinstance(held, Held)
    assert held.until == datetime(2026, 11, 23, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["", "  "])
def test_a_blank_cell_asks_for_nothing(cell: str) -> None:
    assert CallbackGate().refuse(asks(cell), NOW) is None
    assert CallbackGate().evidence(asks(cell), NOW) == {}


@pytest.mark.parametrize(
    ("cell", "phone", "remedy"),
    [
        ("tomorrow at noon", NEW_YORK, "write it as 2026-11-24T15:30"),
        ("2026-11-24T15:30", PLACELESS, "add a `timezone` column"),
    ],
)
def test_a_time_that_cannot_be_told_holds_the_contact(cell: str, phone: str, remedy: str) -> None:
    held = CallbackGate().refuse(asks(cell, phone), NOW)
    assert isinstance(held, Held)
    assert held.until is None
    assert remedy in held.reason


def test_the_time_asked_for_is_kept_with_the_attempt() -> None:
    assert CallbackGate().evidence(asks("2026-11-23T09:00"), NOW) == {
        "callback_at": "2026-11-23T09:00"
    }
