"""The dial journal: what a crash may leave in it, and what it catches."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next, claim_next
from tests.support.hand_clock import HandClock


def _open(state_dir: Path, clock: HandClock) -> Ledger:
    return Ledger.open(state_dir, clock=clock, enough_bytes=0)


def _entries(state_dir: Path) -> list[dict[str, object]]:
    lines = (state_dir / "ledger.journal").read_text().splitlines()
    return [json.loads(line.partition(" ")[2]) for line in lines]


def test_an_intent_is_in_the_journal_before_its_ticket_is_out(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    ticket = begin_next(ledger, clock)
    head, entry = _entries(state_dir)
    assert list(head) == ["workspace"]
    assert entry == {
        "attempt_id": ticket.attempt_id,
        "campaign": "spring",
        "phone": "+12025550100",
        "contact_id": "c0",
        "started_at": clock.now().isoformat(),
        "generation": 1,
    }


def test_a_claim_that_was_given_back_leaves_no_line(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    claim_next(ledger, clock)
    ledger.recover()
    assert len(_entries(state_dir)) == 1


def test_the_generation_grows_with_each_intent(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    for _ in range(3):
        begin_next(ledger, clock)
    assert [entry.get("generation") for entry in _entries(state_dir)] == [None, 1, 2, 3]


def test_a_ledger_copied_between_claim_and_dial_is_refused(
    ledger: Ledger, clock: HandClock, state_dir: Path, tmp_path: Path
) -> None:
    """It knows the attempt's id, but as a claim, which a recovery would give back."""
    claim = claim_next(ledger, clock)
    ledger.backup(tmp_path / "copy.db")
    ledger.begin(claim, {}, run_id="run_1")
    ledger.close()
    (tmp_path / "copy.db").replace(state_dir / "ledger.db")
    with pytest.raises(LedgerError, match="1 calls are missing"):
        _open(state_dir, clock)


def test_an_entry_that_was_altered_is_not_ignored(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    known = begin_next(ledger, clock).attempt_id
    ledger.close()
    journal = state_dir / "ledger.journal"
    journal.write_text(journal.read_text().replace(known, "ca_" + "z" * 26))
    with pytest.raises(LedgerError, match="missing"):
        _open(state_dir, clock)


@pytest.mark.parametrize(
    "torn", [b'deadbeef {"attempt_id": "ca_torn', b"\x00" * 300, b"dead", b"\xff\xfe {]"]
)
def test_what_a_crash_leaves_at_the_end_is_no_harm(
    torn: bytes, ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    begin_next(ledger, clock)
    ledger.close()
    with (state_dir / "ledger.journal").open("ab") as journal:
        journal.write(torn)
    with _open(state_dir, clock) as reopened:
        begin_next(reopened, clock)
    with _open(state_dir, clock) as reopened:
        assert reopened.totals("spring") == {"in_progress": 2, "pending": 1}


def test_a_journal_whose_time_makes_no_sense_is_refused_in_words(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    ledger.close()
    with (state_dir / "ledger.journal").open("a") as journal:
        journal.write('00000000 {"attempt_id":"ca_1","started_at":"yesterday"}\n')
    with pytest.raises(LedgerError, match="cannot be read"):
        _open(state_dir, clock)


def test_a_journal_deleted_during_a_run_ends_its_dialling(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    begin_next(ledger, clock)
    (state_dir / "ledger.journal").unlink()
    claim = claim_next(ledger, clock)
    with pytest.raises(LedgerError, match="dial journal"):
        ledger.begin(claim, {}, run_id="run_1")
    assert not (state_dir / "ledger.journal").exists(), "no new one that forgets the old dials"


def test_a_linked_journal_is_refused(ledger: Ledger, clock: HandClock, state_dir: Path) -> None:
    ledger.close()
    journal = state_dir / "ledger.journal"
    journal.rename(state_dir / "elsewhere")
    journal.symlink_to(state_dir / "elsewhere")
    with pytest.raises(LedgerError, match="link"):
        _open(state_dir, clock)


def test_a_ledger_whose_rules_were_taken_out_is_refused(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    ledger.close()
    for rule in ("TRIGGER attempts_end_once", "INDEX one_open_attempt_per_number"):
        with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
            text = raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", [rule.split()[1]])
            (sql,) = text.fetchone()
            raw.execute(f"DROP {rule}")
            with pytest.raises(LedgerError, match="lacks rules"):
                _open(state_dir, clock)
            raw.execute(sql)
    _open(state_dir, clock).close()
