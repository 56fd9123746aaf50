"""From the dial journal back to a ledger: whoever may have been called is not called blindly."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import LedgerBusy, LedgerError
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger, recover_files
from tests.ledger.conftest import begin_next, claim_next, people
from tests.support.hand_clock import HandClock


def _open(state_dir: Path, clock: HandClock) -> Ledger:
    return Ledger.open(state_dir, clock=clock, enough_bytes=0)


def _recover(state_dir: Path, clock: HandClock) -> int:
    return recover_files(state_dir, name="ledger", clock=clock)


def _put_back(copy: Path, state_dir: Path) -> None:
    shutil.copy(copy, state_dir / "ledger.db")


def _no_answer(ledger: Ledger, clock: HandClock, conversation_id: str) -> str:
    """One whole call, after which the same contact is due again."""
    ticket = begin_next(ledger, clock)
    ledger.record_placed(ticket, Placed(conversation_id))
    again = NextStep(ContactState.PENDING, reason="no answer")
    ledger.record_completed(ticket, Outcome(Disposition.NO_ANSWER, clock.now()), again)
    clock.advance(60)
    return ticket.attempt_id


def test_a_call_begun_after_the_copy_of_its_claim_is_in_doubt(
    ledger: Ledger, clock: HandClock, state_dir: Path, tmp_path: Path
) -> None:
    claim = claim_next(ledger, clock)
    ledger.backup(tmp_path / "copy.db")
    ledger.begin(claim, {}, run_id="run_1")
    ledger.close()
    _put_back(tmp_path / "copy.db", state_dir)
    assert _recover(state_dir, clock) == 1
    with _open(state_dir, clock) as mended:
        assert mended.recover().released == 0
        assert [doubt.ticket.attempt_id for doubt in mended.in_doubt()] == [claim.attempt_id]
        assert mended.totals("spring") == {"needs_review": 1, "pending": 2}


def test_of_several_lost_calls_of_a_number_the_last_is_in_doubt_and_all_count(
    state_dir: Path, clock: HandClock, tmp_path: Path
) -> None:
    with _open(state_dir, clock) as ledger:
        ledger.import_contacts("spring", people(1), source="x")
        ledger.backup(tmp_path / "copy.db")
        lost = [_no_answer(ledger, clock, f"conv_{k}") for k in range(3)]
    _put_back(tmp_path / "copy.db", state_dir)
    assert _recover(state_dir, clock) == 3
    with _open(state_dir, clock) as mended:
        assert [doubt.ticket.attempt_id for doubt in mended.in_doubt()] == [lost[-1]]
        (row,) = mended.contact_rows("spring")
        assert [attempt.attempt_id for attempt in row.attempts] == lost
        assert [attempt.attempt_no for attempt in row.attempts] == [1, 2, 3]
        standing = mended.standing("spring", "+12025550100")
        assert standing is not None
        assert (standing.state, standing.candidate.calls_made) == ("needs_review", 3)


@pytest.mark.parametrize("copied_while", ["claimed", "dialing", "placed", "unknown"])
def test_an_attempt_that_was_open_in_the_copy_had_ended_before_the_next_one(
    copied_while: str, state_dir: Path, clock: HandClock, tmp_path: Path
) -> None:
    with _open(state_dir, clock) as ledger:
        ledger.import_contacts("spring", people(1), source="x")
        claim = claim_next(ledger, clock)
        copy = tmp_path / "copy.db"
        if copied_while == "claimed":
            ledger.backup(copy)
        ticket = ledger.begin(claim, {}, run_id="run_1")
        if copied_while == "dialing":
            ledger.backup(copy)
        if copied_while == "unknown":
            ledger.record_unknown(ticket, error="lost")
            ledger.backup(copy)
        ledger.record_placed(ticket, Placed("conv_1"))
        if copied_while == "placed":
            ledger.backup(copy)
        again = NextStep(ContactState.PENDING)
        ledger.record_completed(ticket, Outcome(Disposition.BUSY, clock.now()), again)
        later = begin_next(ledger, clock)
    _put_back(copy, state_dir)
    _recover(state_dir, clock)
    with _open(state_dir, clock) as mended:
        mended.recover()
        assert [doubt.ticket.attempt_id for doubt in mended.in_doubt()] == [later.attempt_id]
        assert mended.placed_calls("spring") == []
        assert mended.next_due("spring", clock.now() + timedelta(days=365)) is None


def test_a_contact_of_another_campaign_is_not_left_hanging(
    state_dir: Path, clock: HandClock, tmp_path: Path
) -> None:
    with _open(state_dir, clock) as ledger:
        ledger.import_contacts("spring", people(1), source="x")
        ledger.import_contacts("autumn", people(1), source="x")
        ticket = begin_next(ledger, clock)
        ledger.record_placed(ticket, Placed("conv_1"))
        ledger.backup(tmp_path / "copy.db")
        done = NextStep(ContactState.COMPLETED)
        ledger.record_completed(ticket, Outcome(Disposition.ANSWERED, clock.now()), done)
        begin_next(ledger, clock, "autumn")
    _put_back(tmp_path / "copy.db", state_dir)
    _recover(state_dir, clock)
    with _open(state_dir, clock) as mended:
        assert mended.totals("spring") == {"completed": 1}
        assert mended.totals("autumn") == {"needs_review": 1}


def test_nothing_is_made_up_when_neither_ledger_nor_journal_can_be_used(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    begin_next(ledger, clock)
    ledger.close()
    (state_dir / "ledger.journal").unlink()
    (state_dir / "ledger.db").write_bytes(b"hello" * 100)
    with pytest.raises(LedgerError, match="no usable ledger and no dial journal"):
        _recover(state_dir, clock)
    assert (state_dir / "ledger.db").read_bytes().startswith(b"hello"), "nothing was moved"


def test_a_sound_ledger_gets_its_lost_journal_back(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    begin_next(ledger, clock)
    ledger.close()
    (state_dir / "ledger.journal").unlink()
    assert _recover(state_dir, clock) == 0
    with _open(state_dir, clock) as mended:
        begin_next(mended, clock)
    _open(state_dir, clock).close()


def test_recovery_can_be_made_again(ledger: Ledger, clock: HandClock, state_dir: Path) -> None:
    begin_next(ledger, clock)
    ledger.close()
    (state_dir / "ledger.db").unlink()
    assert _recover(state_dir, clock) == 1
    clock.advance(1)
    assert _recover(state_dir, clock) == 0
    assert len(list(state_dir.glob("ledger.journal.aside-*"))) == 2, "each old journal is kept"
    with _open(state_dir, clock) as mended:
        assert len(mended.in_doubt()) == 1


def test_recovery_waits_for_a_run_to_end(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    with ledger.hold("spring", "run_1"), pytest.raises(LedgerBusy):
        _recover(state_dir, clock)


def test_a_write_ahead_log_without_its_ledger_is_refused(
    state_dir: Path, clock: HandClock
) -> None:
    """It would be replayed into a new ledger that it does not belong to."""
    _open(state_dir, clock).close()
    (state_dir / "ledger.db").unlink()
    (state_dir / "ledger.db-wal").write_bytes(b"frames")
    with pytest.raises(LedgerError, match="write-ahead log"):
        _open(state_dir, clock)
