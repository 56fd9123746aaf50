"""Taking in a file, again and again, and whose turn it is."""

import stat
from datetime import timedelta
from pathlib import Path

from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.contact import Contact, ContactState, DuplicateRow, RejectedRow
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next, claim_next, people
from tests.support.hand_clock import HandClock


def _take_in(ledger: Ledger, rows: list[Contact | RejectedRow]) -> tuple[int, ...]:
    counts = ledger.import_contacts("spring", rows, source="spring.csv")
    return counts.new, counts.changed, counts.known, counts.duplicates, counts.rejected


def test_the_same_file_again_changes_nothing(ledger: Ledger) -> None:
    assert _take_in(ledger, [*people(3)]) == (0, 0, 3, 0, 0)


def test_new_rows_join_and_changed_ones_reach_those_not_called(
    ledger: Ledger, clock: HandClock
) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_placed(ticket, Placed("conv_1"))
    done = NextStep(ContactState.COMPLETED)
    ledger.record_completed(ticket, Outcome(Disposition.ANSWERED, clock.now()), done)
    assert _take_in(ledger, [*people(5, name="Bea")]) == (2, 2, 1, 0, 0)
    names = [row.contact.name for row in ledger.contact_rows("spring")]
    assert names == ["Ann", "Bea", "Bea", "Bea", "Bea"]
    assert ledger.totals("spring") == {"completed": 1, "pending": 4}


def test_rejected_rows_and_duplicates_are_kept_apart(ledger: Ledger) -> None:
    bad = RejectedRow(9, "phone", "12", "too short", "add digits")
    twice = DuplicateRow(10, "phone", "+1…", "duplicate of line 2", "nothing to do")
    assert _take_in(ledger, [bad, twice]) == (0, 0, 0, 1, 1)
    assert [row.line for row in ledger.rejected_rows("spring")] == [9, 10]
    assert _take_in(ledger, []) == (0, 0, 0, 0, 0)
    assert list(ledger.rejected_rows("spring")) == [], "a mended file has no rejects any more"


def test_turns_follow_the_file_then_the_time(ledger: Ledger, clock: HandClock) -> None:
    later = NextStep(ContactState.DEFERRED, clock.now() + timedelta(hours=4), "no answer")
    ledger.set_aside("spring", "+12025550100", later)
    assert claim_next(ledger, clock).contact.id == "c1"
    assert claim_next(ledger, clock).contact.id == "c2"
    assert ledger.next_due("spring", clock.now()) is None
    assert ledger.due_later("spring", clock.now()) == 1
    assert ledger.next_due_at("spring", clock.now()) == later.next_at
    due = ledger.next_due("spring", clock.now() + timedelta(hours=4))
    assert due is not None
    assert due.contact.id == "c0"


def test_only_the_contacts_asked_for_have_a_turn(ledger: Ledger, clock: HandClock) -> None:
    due = ledger.next_due("spring", clock.now(), only=frozenset({"c2"}))
    assert due is not None
    assert due.contact.id == "c2"
    assert ledger.next_due("spring", clock.now(), only=frozenset({"nobody"})) is None


def test_an_outage_defers_everybody_in_one_step(ledger: Ledger, clock: HandClock) -> None:
    assert ledger.defer_all("spring", "elevenlabs is down") == 3
    assert ledger.totals("spring") == {"deferred": 3}
    assert ledger.defer_all("spring", "elevenlabs is down") == 0
    assert ledger.next_due("spring", clock.now()) is not None, "they are due as soon as it is back"


def test_failed_contacts_go_back_in_the_queue(ledger: Ledger) -> None:
    passing = NextStep(ContactState.FAILED, reason="503", is_transient=True)
    ledger.set_aside("spring", "+12025550100", passing)
    ledger.set_aside("spring", "+12025550101", NextStep(ContactState.FAILED, reason="bad number"))
    assert ledger.failures("spring") == [("503", "transient", 1), ("bad number", "permanent", 1)]
    assert ledger.requeue("spring", only_transient=True) == 1
    assert ledger.totals("spring") == {"failed": 1, "pending": 2}
    assert ledger.requeue("spring", ids={"c9"}, only_transient=False) == 0
    assert ledger.requeue("spring", ids={"c1"}, only_transient=False) == 1


def test_held_contacts_are_looked_at_anew(ledger: Ledger) -> None:
    ledger.set_aside("spring", "+12025550100", NextStep(ContactState.HELD, reason="night"))
    assert ledger.release_held("spring") == 1
    assert ledger.totals("spring") == {"pending": 3}


def test_nobody_else_reads_the_files(ledger: Ledger, state_dir: Path) -> None:
    assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
    for file in state_dir.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_campaigns_are_listed_with_their_numbers(ledger: Ledger, clock: HandClock) -> None:
    (row,) = ledger.overview().campaigns
    assert (row.campaign, dict(row.totals), row.is_running) == ("spring", {"pending": 3}, False)
    with ledger.hold("spring", "run_1"):
        assert ledger.overview().campaigns[0].is_running


def test_who_is_held_until_a_person_acts_comes_up_in_the_next_run_and_not_in_this_one(
    ledger: Ledger, clock: HandClock
) -> None:
    first = ledger.next_due("spring", clock.now())
    assert first is not None
    ledger.set_aside("spring", first.contact.phone, NextStep(ContactState.HELD, None, "no zone"))
    clock.advance(10**9)
    second = ledger.next_due("spring", clock.now())
    assert second is not None
    assert second.contact.phone != first.contact.phone
    assert ledger.held_without_date("spring") == 1
    row = ledger.contact_row("spring", first.contact.phone)
    assert row is not None
    assert (row.state, row.next_at, row.reason) == ("held", None, "no zone")
    ledger.release_held("spring")
    again = ledger.next_due("spring", clock.now())
    assert again is not None
    assert again.contact.phone == first.contact.phone
    assert ledger.held_without_date("spring") == 0


def test_a_campaign_whose_contacts_all_wait_for_a_person_has_nothing_due(
    ledger: Ledger, clock: HandClock
) -> None:
    while (candidate := ledger.next_due("spring", clock.now())) is not None:
        step = NextStep(ContactState.HELD, None, "no zone")
        ledger.set_aside("spring", candidate.contact.phone, step)
    assert ledger.next_due_at("spring", clock.now()) is None
