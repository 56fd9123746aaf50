"""A ledger that cannot be trusted is refused, with the way out; and one run at a time."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.domain.errors import InputError, LedgerBusy, LedgerError
from callagent_cli.ledger.store import Ledger, recover_files
from tests.ledger.conftest import begin_next, people
from tests.support.hand_clock import HandClock


def _open(state_dir: Path, clock: HandClock) -> Ledger:
    return Ledger.open(state_dir, clock=clock, enough_bytes=0)


@pytest.fixture
def dialled(state_dir: Path, clock: HandClock) -> Path:
    """A state folder in which one call was begun."""
    with _open(state_dir, clock) as ledger:
        ledger.import_contacts("spring", people(3), source="x")
        begin_next(ledger, clock)
    return state_dir


def _overwrite(data: bytes) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        file.write_bytes(data)

    return damage


def _cut_by(missing: int) -> Callable[[Path], None]:
    return lambda ledger: os.truncate(ledger, ledger.stat().st_size - missing)


def _cut(size: int) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        file.write_bytes(file.read_bytes()[:size])

    return damage


def _foreign(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE t (a)")
    other.close()


def _newer(file: Path) -> None:
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    raw.close()


def _link(file: Path) -> None:
    moved = file.with_name("elsewhere.db")
    file.rename(moved)
    file.symlink_to(moved)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "deleted": (Path.unlink, "missing"),
    "empty": (_overwrite(b""), "empty"),
    "garbage": (_overwrite(b"hello" * 100), "not a ledger"),
    "cut to a half page": (_cut(512), "ledger"),
    "cut to one page": (_cut(4096), "ledger"),
    "cut within its last page": (_cut_by(512), "ledger"),
    "cut to three pages": (_cut(3 * 4096), "ledger"),
    "of another program": (_foreign, "another program"),
    "newer": (_newer, "newer callagent"),
    "a link": (_link, "link"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_ledger_that_cannot_be_trusted_is_refused(
    what: str, dialled: Path, clock: HandClock
) -> None:
    damage, words = DAMAGES[what]
    damage(dialled / "ledger.db")
    with pytest.raises(LedgerError, match=words) as refused:
        _open(dialled, clock)
    assert refused.value.hint


def test_yesterdays_ledger_is_refused_and_its_missing_calls_counted(
    dialled: Path, clock: HandClock, tmp_path: Path
) -> None:
    with _open(dialled, clock) as ledger:
        ledger.backup(tmp_path / "yesterday.db")
        begin_next(ledger, clock)
    shutil.copy(tmp_path / "yesterday.db", dialled / "ledger.db")
    with pytest.raises(LedgerError, match="1 calls are missing"):
        _open(dialled, clock)


def test_a_journal_of_another_ledger_is_refused(
    dialled: Path, clock: HandClock, tmp_path: Path
) -> None:
    with _open(tmp_path / "other", clock) as other:
        other.import_contacts("spring", people(1), source="x")
        begin_next(other, clock)
    shutil.copy(tmp_path / "other" / "ledger.journal", dialled / "ledger.journal")
    with pytest.raises(LedgerError, match="belong together"):
        _open(dialled, clock)


def test_a_lost_journal_is_refused(dialled: Path, clock: HandClock) -> None:
    (dialled / "ledger.journal").unlink()
    with pytest.raises(LedgerError, match=r"journal .* is missing"):
        _open(dialled, clock)


def test_a_journal_line_that_a_crash_tore_is_no_harm(dialled: Path, clock: HandClock) -> None:
    with (dialled / "ledger.journal").open("ab") as journal:
        journal.write(b'deadbeef {"attempt_id": "ca_torn", "camp')
    with _open(dialled, clock) as ledger:
        begin_next(ledger, clock)
    with _open(dialled, clock) as ledger:
        assert len(list(ledger._journal.intents())) == 2


@pytest.mark.parametrize("what", ["deleted", "empty", "garbage", "of another program"])
def test_recovery_takes_in_the_journals_calls_as_in_doubt(
    what: str, dialled: Path, clock: HandClock
) -> None:
    DAMAGES[what][0](dialled / "ledger.db")
    assert recover_files(dialled, name="ledger", clock=clock) == 1
    with _open(dialled, clock) as ledger:
        ledger.import_contacts("spring", people(3), source="x")
        (doubt,) = ledger.in_doubt()
        assert doubt.ticket.phone == "+12025550100"
        assert ledger.totals("spring") == {"needs_review": 1, "pending": 2}
    if what != "deleted":
        assert list(dialled.glob("ledger.db.aside-*")), "the old file is kept"


def test_recovery_of_yesterdays_ledger_adds_what_it_lacks(
    dialled: Path, clock: HandClock, tmp_path: Path
) -> None:
    with _open(dialled, clock) as ledger:
        ledger.backup(tmp_path / "yesterday.db")
        second = begin_next(ledger, clock)
    for stale in dialled.glob("ledger.db*"):
        stale.unlink()
    shutil.copy(tmp_path / "yesterday.db", dialled / "ledger.db")
    assert recover_files(dialled, name="ledger", clock=clock) == 1
    with _open(dialled, clock) as ledger:
        ledger.recover()
        assert {doubt.ticket.phone for doubt in ledger.in_doubt()} >= {second.phone}


def test_too_little_space_is_said_before_anything_is_begun(
    state_dir: Path, clock: HandClock
) -> None:
    with pytest.raises(LedgerError, match="MB are free"):
        Ledger.open(state_dir, clock=clock, enough_bytes=10**18)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "state").write_text("a file in its place")
    with pytest.raises(LedgerError, match="cannot be written"):
        _open(tmp_path / "state", clock)


def test_looking_where_nothing_ran_says_so(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(LedgerError, match="no campaign has run here"):
        Ledger.open_readonly(tmp_path, clock=clock)


def test_a_second_run_is_told_who_holds_the_ledger(dialled: Path, clock: HandClock) -> None:
    with _open(dialled, clock) as first, first.hold("spring", "run_1"):
        with _open(dialled, clock) as second, pytest.raises(LedgerBusy, match="spring"):
            second.hold("spring", "run_2")
        with Ledger.open_readonly(dialled, clock=clock) as looking:
            assert looking.totals("spring") == {"in_progress": 1, "pending": 2}
    with _open(dialled, clock) as third, third.hold("spring", "run_3"):
        pass


def test_a_backup_overwrites_nothing(dialled: Path, clock: HandClock, tmp_path: Path) -> None:
    with _open(dialled, clock) as ledger:
        ledger.backup(tmp_path / "copy.db")
        with pytest.raises(InputError, match="exists"):
            ledger.backup(tmp_path / "copy.db")
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM attempts").fetchone() == (1,)
    copy.close()


def test_no_message_of_the_ledger_holds_a_number(dialled: Path, clock: HandClock) -> None:
    with _open(dialled, clock) as ledger:
        ticket = begin_next(ledger, clock)
        with pytest.raises(LedgerError) as refused:
            ledger.release(ticket.claim, None)  # type: ignore[arg-type]  # made to fail
    assert ticket.phone not in str(refused.value) + str(refused.value.__cause__)
