"""Messages owed: once, in order, and never forgotten."""

from datetime import timedelta

from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger
from tests.support.hand_clock import HandClock


def _owe(ledger: Ledger, *keys: str, to: str = "crm") -> None:
    ledger.owe([Message(to, key, {"key": key}) for key in keys])


def test_a_message_is_owed_once_per_destination(ledger: Ledger) -> None:
    _owe(ledger, "a", "b")
    _owe(ledger, "a", to="sheet")
    _owe(ledger, "a")
    assert ledger.owed() == 3


def test_messages_go_in_order_and_one_that_waits_holds_the_rest(
    ledger: Ledger, clock: HandClock
) -> None:
    _owe(ledger, "a", "b")
    first = ledger.next_owed("crm", clock.now())
    assert first is not None
    assert first.message.key == "a"
    ledger.mark_failed(first.id, "503", clock.now() + timedelta(minutes=1))
    assert ledger.next_owed("crm", clock.now()) is None
    again = ledger.next_owed("crm", clock.now() + timedelta(minutes=1))
    assert again is not None
    assert (again.id, again.tries, again.last_error) == (first.id, 1, "503")
    ledger.mark_sent(again.id)
    then = ledger.next_owed("crm", clock.now())
    assert then is not None
    assert then.message == Message("crm", "b", {"key": "b"})


def test_a_message_that_was_sent_is_not_owed_again(ledger: Ledger, clock: HandClock) -> None:
    _owe(ledger, "a")
    owed = ledger.next_owed("crm", clock.now())
    assert owed is not None
    ledger.mark_sent(owed.id)
    _owe(ledger, "a")
    assert ledger.owed() == 0
    assert [sent.message.key for sent in ledger.list_messages("sent")] == ["a"]


def test_a_dead_letter_is_kept_and_holds_nobody_up(ledger: Ledger, clock: HandClock) -> None:
    _owe(ledger, "a", "b")
    owed = ledger.next_owed("crm", clock.now())
    assert owed is not None
    ledger.mark_dead(owed.id, "404")
    (dead,) = ledger.list_messages("dead")
    assert (dead.message.key, dead.tries, dead.last_error) == ("a", 1, "404")
    then = ledger.next_owed("crm", clock.now())
    assert then is not None
    assert then.message.key == "b"
