"""Who asked not to be called stays on the list, whatever becomes of the ledger."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.store import Ledger, recover_files
from tests.ledger.conftest import begin_next, people
from tests.support.hand_clock import HandClock

ANN, BOB, EVE = (f"+1202555010{n}" for n in range(3))


def listed(state_dir: Path, clock: HandClock) -> set[str]:
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as ledger:
        return {phone for phone in (ANN, BOB, EVE) if ledger.suppression_of(phone)}


def restore(backup: Path, state_dir: Path) -> None:
    for file in state_dir.glob("ledger.db*"):
        file.unlink()
    shutil.copy(backup, state_dir / "ledger.db")


def test_a_restored_backup_knows_who_asked_since(
    ledger: Ledger, state_dir: Path, clock: HandClock, tmp_path: Path
) -> None:
    ledger.suppress(EVE, source="person")
    ledger.backup(tmp_path / "old.db")
    ledger.suppress(ANN, source="person", by="Kim")
    ledger.suppress(BOB, source="call")
    ledger.lift(BOB)
    ledger.lift(EVE)
    ledger.close()
    restore(tmp_path / "old.db", state_dir)
    assert listed(state_dir, clock) == {ANN}
    assert listed(state_dir, clock) == {ANN}, "and says so again"


def test_a_lost_ledger_made_anew_knows_who_asked(
    ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    begin_next(ledger, clock)  # somebody was called: an empty folder would not be refused
    ledger.suppress(ANN, source="person")
    ledger.forget(EVE)
    ledger.close()
    for file in state_dir.glob("ledger.db*"):
        file.unlink()
    with pytest.raises(LedgerError, match="is missing"):
        Ledger.open(state_dir, clock=clock, enough_bytes=0)
    recover_files(state_dir, name="ledger", clock=clock)
    assert listed(state_dir, clock) == {ANN, EVE}


def test_an_emptied_folder_but_for_the_list_makes_a_ledger_that_obeys_it(
    ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    ledger.suppress(ANN, source="person")
    ledger.close()
    for file in state_dir.iterdir():
        if file.suffix != ".list":
            file.unlink()
    assert listed(state_dir, clock) == {ANN}


def test_a_lift_does_not_undo_a_later_import_of_a_list(
    ledger: Ledger, state_dir: Path, clock: HandClock, tmp_path: Path
) -> None:
    ledger.suppress(ANN, source="person")
    ledger.lift(ANN)
    ledger.import_list("national", [ANN], as_of=date(2026, 11, 1), digest="x")
    ledger.backup(tmp_path / "old.db")
    ledger.suppress(BOB, source="person")
    ledger.close()
    restore(tmp_path / "old.db", state_dir)
    assert listed(state_dir, clock) == {ANN, BOB}


def test_a_line_that_could_not_be_written_is_made_good(
    ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    journal = state_dir / "ledger.list"
    whole = journal.read_bytes()
    ledger.suppress(ANN, source="person")
    ledger.close()
    journal.write_bytes(whole)  # the disk was full
    assert listed(state_dir, clock) == {ANN}
    assert len(journal.read_bytes()) > len(whole)
    (state_dir / "ledger.list").unlink()
    assert listed(state_dir, clock) == {ANN}
    assert (state_dir / "ledger.list").exists()


def test_no_number_stands_in_it(ledger: Ledger, state_dir: Path) -> None:
    ledger.suppress(ANN, source="person")
    assert ANN[1:] not in (state_dir / "ledger.list").read_text()


def test_a_torn_last_line_is_what_a_crash_leaves(
    ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    ledger.suppress(ANN, source="person")
    ledger.close()
    journal = state_dir / "ledger.list"
    journal.write_bytes(journal.read_bytes() + b'12345678 {"no":2,"phone')
    assert listed(state_dir, clock) == {ANN}
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as again:
        again.suppress(BOB, source="person")
    assert listed(state_dir, clock) == {ANN, BOB}


@pytest.mark.parametrize(
    "content", ["", "hello\n", "00000000 {}\n", '3c6b5d0f {"salt":"another"}\n']
)
def test_one_of_another_ledger_or_program_is_refused_and_not_overwritten(
    content: str, ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    ledger.import_contacts("autumn", people(1), source="x")
    ledger.close()
    (state_dir / "ledger.list").write_text(content)
    with pytest.raises(LedgerError) as refused:
        Ledger.open(state_dir, clock=clock, enough_bytes=0)
    assert "ledger.list" in refused.value.message
    assert refused.value.hint
    assert (state_dir / "ledger.list").read_text() == content
