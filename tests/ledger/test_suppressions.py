"""The do-not-call list in the ledger."""

from datetime import date
from pathlib import Path

import pytest

from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.contact import Contact, ContactState
from callagent_cli.domain.errors import GateClosed
from callagent_cli.ledger.records import Candidate, NextStep
from callagent_cli.ledger.store import Ledger
from tests.support.hand_clock import HandClock

ADA, BOB = "+12025550100", "+12025550101"
TODAY = date(2026, 11, 23)


@pytest.fixture
def claimed(ledger: Ledger, clock: HandClock) -> Candidate:
    ledger.import_contacts("spring", [Contact("c1", ADA), Contact("c2", BOB)], source="x.csv")
    candidate = ledger.next_due("spring", clock.now())
    assert candidate is not None
    return candidate


def test_a_number_added_after_its_claim_is_not_begun(ledger: Ledger, claimed: Candidate) -> None:
    claim = ledger.claim("spring", claimed, "run_1")
    assert claim is not None
    ledger.suppress(ADA, source="person")
    with pytest.raises(GateClosed, match="do-not-call"):
        ledger.begin(claim, {}, run_id="run_1")
    ledger.release(claim, NextStep(ContactState.PENDING))
    assert ledger.calls_of("spring", ADA) == []


def test_another_process_that_adds_a_number_is_obeyed(
    ledger: Ledger, claimed: Candidate, state_dir: Path, clock: HandClock
) -> None:
    claim = ledger.claim("spring", claimed, "run_1")
    assert claim is not None
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as other:
        other.suppress(ADA, source="person")
    with pytest.raises(GateClosed):
        ledger.begin(claim, {}, run_id="run_1")


def test_an_opt_out_in_a_call_is_on_the_list_when_the_attempt_ends(
    ledger: Ledger, claimed: Candidate, clock: HandClock
) -> None:
    claim = ledger.claim("spring", claimed, "run_1")
    assert claim is not None
    ticket = ledger.begin(claim, {}, run_id="run_1")
    ledger.record_placed(ticket, Placed("conv_1"))
    outcome = Outcome(Disposition.ANSWERED, clock.now())
    ledger.record_completed(
        ticket, outcome, NextStep(ContactState.COMPLETED), opted_out="the person said so"
    )
    listed = ledger.suppression_of(ADA)
    assert listed is not None
    assert (listed.source, listed.campaign) == ("call", "spring")


def test_a_newer_list_replaces_the_older_and_leaves_other_reasons(ledger: Ledger) -> None:
    ledger.suppress(BOB, source="person")
    ledger.import_list("national", [ADA, BOB], as_of=TODAY, digest="1")
    assert ledger.import_list("national", ["+12025550102"], as_of=TODAY, digest="2") == 1
    assert ledger.suppression_of(ADA) is None
    assert ledger.suppression_of(BOB) is not None
    assert [(one.name, one.numbers, one.sha256) for one in ledger.number_lists()] == [
        ("national", 1, "2")
    ]


def test_who_stays_on_a_list_is_on_it_all_the_while(ledger: Ledger) -> None:
    ledger.import_list("national", [ADA], as_of=TODAY, digest="1")

    def newer() -> "list[str]":
        assert ledger.suppression_of(ADA) is not None
        return [ADA]

    ledger.import_list("national", newer(), as_of=TODAY, digest="2")
    assert ledger.suppression_of(ADA) is not None


def test_a_number_taken_off_is_looked_at_again_by_the_next_run(
    ledger: Ledger, claimed: Candidate, clock: HandClock
) -> None:
    ledger.suppress(ADA, source="person")
    reason = "on the do-not-call list since 2026-11-23: noted by hand"
    ledger.set_aside("spring", ADA, NextStep(ContactState.SKIPPED, reason=reason))
    assert [one.source for one in ledger.lift(ADA)] == ["person"]
    ledger.release_held("spring")
    again = ledger.next_due("spring", clock.now())
    assert again is not None
    assert again.contact.phone == ADA
    assert ledger.lift(ADA) == []


def test_what_is_known_of_a_number_says_that_it_is_listed(
    ledger: Ledger, claimed: Candidate, clock: HandClock
) -> None:
    ledger.suppress(ADA, source="person")
    due = ledger.next_due("spring", clock.now())
    assert due is not None
    assert due.suppressed is not None
    listed, free = ledger.standings("spring", [Contact("c1", ADA), Contact("c2", BOB)])
    assert listed.candidate.suppressed is not None
    assert free.candidate.suppressed is None


def test_the_list_survives_and_hashes_alike(
    ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    ledger.suppress(ADA, source="person", reason="asked", by="Kim")
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as again:
        assert again.hash_of(ADA) == ledger.hash_of(ADA)
        assert [(one.phone, one.reason, one.by) for one in again.suppressed()] == [
            (ADA, "asked", "Kim")
        ]
        assert again.hash_of(ADA) != again.hash_of(BOB)


def test_every_page_of_a_long_list_is_read(ledger: Ledger) -> None:
    phones = [f"+1202556{n:04d}" for n in range(2500)]
    assert ledger.import_list("long", phones, as_of=TODAY, digest="1") == 2500
    assert sorted(one.phone for one in ledger.suppressed()) == phones
    assert ledger.count_suppressed() == {"list:long": 2500}
