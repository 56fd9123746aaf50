"""Messages owed: once, in order, and never forgotten."""

from datetime import timedelta

import pytest

from callagent_cli.domain.alert import Incident
from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next
from tests.support.hand_clock import HandClock


def _owe(ledger: Ledger, *keys: str, to: str = "crm") -> None:
    ledger.owe([Message(to, key, {"key": key}) for key in keys])


def _due(ledger: Ledger, clock: HandClock, *, most: int = 1, to: str = "crm") -> list[str]:
    return [d.key for d in ledger.due(to, clock.now(), most=most).deliveries]


def _head(ledger: Ledger, clock: HandClock) -> tuple[int, ...]:
    return ledger.due("crm", clock.now(), most=1).ids


def test_a_message_is_owed_once_per_destination(ledger: Ledger) -> None:
    _owe(ledger, "a", "b")
    _owe(ledger, "a", to="sheets")
    _owe(ledger, "a")
    assert ledger.owed() == 3
    assert ledger.owed_by_destination() == {"crm": 2, "sheets": 1}


def test_messages_go_in_order_and_one_that_waits_holds_the_rest(
    ledger: Ledger, clock: HandClock
) -> None:
    _owe(ledger, "a", "b")
    head = _head(ledger, clock)
    ledger.mark_trying(head)
    ledger.mark_failed(head, "503", clock.now() + timedelta(minutes=1))
    waiting = ledger.due("crm", clock.now(), most=5)
    assert (waiting.deliveries, waiting.next_at) == ((), clock.now() + timedelta(minutes=1))
    early = ledger.due("crm", clock.now(), most=5, early=True)
    assert [(d.key, d.earlier_tries) for d in early.deliveries] == [("a", 1), ("b", 0)]
    ledger.mark_sent(head)
    assert _due(ledger, clock) == ["b"]


def test_a_batch_is_taken_in_order_and_not_larger_than_asked_for(
    ledger: Ledger, clock: HandClock
) -> None:
    _owe(ledger, *"edcba")
    assert _due(ledger, clock, most=3) == ["e", "d", "c"]


def test_a_message_that_was_sent_is_not_owed_again_and_says_nothing_any_more(
    ledger: Ledger, clock: HandClock
) -> None:
    _owe(ledger, "a")
    ledger.mark_sent(_head(ledger, clock))
    _owe(ledger, "a")
    assert ledger.owed() == 0
    assert [sent.key for sent in ledger.list_messages("sent")] == ["a"]


def test_a_dead_letter_is_kept_holds_nobody_up_and_can_be_revived(
    ledger: Ledger, clock: HandClock
) -> None:
    _owe(ledger, "a", "b")
    head = _head(ledger, clock)
    ledger.mark_trying(head)
    ledger.mark_dead(head, "404")
    (dead,) = ledger.list_messages("dead")
    assert (dead.key, dead.tries, dead.last_error) == ("a", 1, "404")
    assert _due(ledger, clock) == ["b"]
    assert ledger.revive() == 1
    assert _due(ledger, clock) == ["a"]
    assert ledger.due("crm", clock.now(), most=1).deliveries[0].payload == {"key": "a"}


def test_only_what_is_dead_is_revived_and_what_was_sent_cannot_be_dropped(
    ledger: Ledger, clock: HandClock
) -> None:
    _owe(ledger, "a", "b")
    sent = _head(ledger, clock)
    ledger.mark_sent(sent)
    assert ledger.revive() == 0
    assert ledger.drop(sent) == 0
    assert ledger.drop(_head(ledger, clock)) == 1
    assert ledger.owed() == 0
    assert [m.key for m in ledger.list_messages("dropped")] == ["b"]


def test_what_an_outcome_owes_is_kept_with_it_or_not_at_all(
    ledger: Ledger, clock: HandClock
) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_placed(ticket, Placed("conv_1"), owed=[Message("sheets", "placed", {})])
    outcome = Outcome(Disposition.ANSWERED, clock.now())
    unfit = [Message("crm", "ended", {"not": object()})]
    with pytest.raises(LedgerError, match="cannot be used"):
        ledger.record_completed(ticket, outcome, NextStep(ContactState.COMPLETED), owed=unfit)
    assert ledger.totals("spring")["in_progress"] == 1
    assert ledger.owed_by_destination() == {"sheets": 1}


def _incident(clock: HandClock, service: str, **changes: object) -> Incident:
    told: dict[str, object] = {
        "service": service,
        "is_refusal": False,
        "opened_at": clock.now(),
        "told_at": clock.now(),
        "error": "503",
        **changes,
    }
    return Incident(**told)  # type: ignore[arg-type]


def test_open_incidents_outlive_the_run_and_end_when_they_are_no_longer_told(
    ledger: Ledger, clock: HandClock
) -> None:
    voice, crm = _incident(clock, "elevenlabs"), _incident(clock, "crm")
    ledger.record_incidents([voice, crm], [Message("email", "opened", {})])
    assert ledger.open_incidents() == [voice, crm]
    later = _incident(clock, "crm", repeats=2, counts={"failed": 3})
    ledger.record_incidents([later], [])
    assert ledger.open_incidents() == [later]
    ledger.record_incidents([], [])
    assert ledger.open_incidents() == []
    assert ledger.owed_by_destination() == {"email": 1}
