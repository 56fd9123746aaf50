"""Who holds the ledger, and folders in which that could not be relied on."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from callagent_cli.domain.errors import LedgerBusy, LedgerError
from callagent_cli.ledger.folder import network_kind
from callagent_cli.ledger.lock import is_held, take_lock
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next
from tests.support.hand_clock import HandClock


def _runs(state_dir: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        return raw.execute("SELECT run_id, ended_at, exit_status FROM runs").fetchall()


def test_a_run_says_that_it_lives_and_how_it_ended(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    with ledger.hold("spring", "run_1") as lease:
        clock.advance(15)
        lease.heartbeat()
        beat = clock.now()
        assert ledger.latest_event_at() == beat
        clock.advance(15)
        lease.finish(4)
    (row,) = _runs(state_dir)
    assert (row[0], row[2]) == ("run_1", 4)


def test_a_dead_run_neither_looks_alive_nor_is_named_as_the_holder(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    ledger.import_contacts("autumn", [], source="x")
    with ledger.hold("spring", "run_dead"):
        pass  # ends without a word
    clock.advance(60)
    with ledger.hold("autumn", "run_2"):
        running = {row.campaign: row.is_running for row in ledger.overview().campaigns}
        assert running == {"spring": False, "autumn": True}
        with (
            Ledger.open(state_dir, clock=clock, enough_bytes=0) as second,
            pytest.raises(LedgerBusy, match="autumn"),
        ):
            second.hold("spring", "run_3")


def test_those_who_only_look_never_keep_a_run_from_starting(
    ledger: Ledger, state_dir: Path
) -> None:
    lock, over = state_dir / "ledger.lock", threading.Event()
    with ledger.hold("spring", "run_0"):
        pass

    def look() -> None:
        while not over.is_set():
            is_held(lock)

    looking = [threading.Thread(target=look) for _ in range(3)]
    for thread in looking:
        thread.start()
    try:
        for k in range(1, 50):
            with ledger.hold("spring", f"run_{k}"):
                assert is_held(lock)
    finally:
        over.set()
        for thread in looking:
            thread.join()
    assert not is_held(lock)


def test_a_linked_lock_is_refused_in_words(ledger: Ledger, state_dir: Path) -> None:
    (state_dir / "ledger.lock").unlink()
    (state_dir / "ledger.lock").symlink_to(state_dir / "elsewhere")
    with pytest.raises(LedgerError):
        ledger.hold("spring", "run_1")


def test_a_lease_that_cannot_be_noted_is_not_kept(ledger: Ledger, state_dir: Path) -> None:
    with ledger.hold("spring", "run_1"):
        pass
    with pytest.raises(LedgerError):
        ledger.hold("spring", "run_1")  # the same run twice
    handle = take_lock(state_dir / "ledger.lock")
    assert handle is not None, "the lock is free"
    with closing(open(handle, "rb")):
        pass


def test_after_a_step_that_failed_nothing_more_is_dialled(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    candidate = ledger.next_due("spring", clock.now())
    assert candidate is not None
    claim = ledger.claim("spring", candidate, "run_1")
    assert claim is not None
    ledger._database._connection.exec_driver_sql("ALTER TABLE messages RENAME TO gone")
    ledger._database._connection.commit()
    with pytest.raises(LedgerError, match="cannot be used"):
        ledger.owed()
    with pytest.raises(LedgerError, match="nothing more is dialled"):
        ledger.begin(claim, {}, run_id="run_1")
    with pytest.raises(LedgerError, match="nothing more is dialled"):
        ledger.claim("spring", candidate, "run_1")
    assert len((state_dir / "ledger.journal").read_text().splitlines()) == 1


def test_a_second_begin_of_one_claim_gets_no_ticket(ledger: Ledger, clock: HandClock) -> None:
    ticket = begin_next(ledger, clock)
    with pytest.raises(LedgerError, match="another step was there first"):
        ledger.begin(ticket.claim, {}, run_id="run_1")


def test_a_value_that_nobody_can_read_is_said_without_it(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    with ledger._database.transaction() as connection:
        connection.exec_driver_sql("UPDATE contacts SET variables = '{+12025550100'")
    with pytest.raises(LedgerError, match="cannot be read") as refused:
        ledger.next_due("spring", clock.now())
    assert "+1202" not in str(refused.value)


@pytest.mark.parametrize("name", ["a b", "what?", "50%", "häuser", "#1"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path, clock: HandClock) -> None:
    with Ledger.open(tmp_path / name, clock=clock, enough_bytes=0) as ledger:
        assert ledger.campaign_names() == []
    assert (tmp_path / name / "ledger.db").exists()


MOUNTS = r"""
/dev/vda / ext4 rw,relatime 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local\040disk ext4 rw 0 0
me@host:/ /mnt/host fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/callagent", ""),
        ("/home/ann/.callagent", "nfs4"),
        ("/home/local disk/state", ""),
        ("/mnt/host/state", "fuse.sshfs"),
    ],
)
def test_a_network_file_system_is_recognised(folder: str, kind: str) -> None:
    assert network_kind(Path(folder), MOUNTS) == kind
