"""What the ledger tells of one number alone."""

from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next
from tests.support.hand_clock import HandClock


def test_an_attempt_in_doubt_is_told_with_its_lookups(ledger: Ledger, clock: HandClock) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_unknown(ticket, error="read timeout")
    row = ledger.contact_row("spring", "+12025550100")
    assert row is not None
    (attempt,) = row.attempts
    assert (attempt.state, attempt.error, attempt.looked_up) == ("unknown", "read timeout", 0)
    assert attempt.evidence == {"zone": "x"}


def test_a_number_of_no_campaign_has_no_row(ledger: Ledger) -> None:
    assert ledger.contact_row("spring", "+12025550199") is None
    assert ledger.contact_row("autumn", "+12025550100") is None


def test_messages_about_an_attempt_are_found_by_its_id_and_no_others(ledger: Ledger) -> None:
    keys = ("ca_1:outcome", "ca_1:note", "ca_10:outcome", "xca_1:outcome", "ca%:outcome")
    ledger.owe(Message("crm", key, {}) for key in keys)
    assert [one.key for one in ledger.messages_of("ca_1")] == ["ca_1:outcome", "ca_1:note"]
    assert [one.key for one in ledger.messages_of("ca%")] == ["ca%:outcome"]


def test_every_reason_for_which_a_number_is_listed_is_told(
    ledger: Ledger, clock: HandClock
) -> None:
    ledger.suppress("+12025550100", source="person", by="Kim")
    ledger.suppress("+12025550100", source="call", campaign="spring")
    ledger.suppress("+12025550101", source="person")
    told = ledger.suppressions_of("+12025550100")
    assert {(one.source, one.by, one.campaign) for one in told} == {
        ("person", "Kim", ""),
        ("call", "", "spring"),
    }
