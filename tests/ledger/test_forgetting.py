"""What is left in the ledger's files of a person who was forgotten, and what it still does."""

import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.contact import FORGOTTEN, Contact, ContactState
from callagent_cli.domain.errors import GateClosed, InputError, LedgerError
from callagent_cli.domain.suppression import BY_WISH
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger, recover_files
from tests.ledger.conftest import begin_next, claim_next
from tests.support.hand_clock import HandClock

ADA, BOB = "+12025550100", "+12025550101"
PEOPLE = [
    Contact("patient-77", ADA, "Adalovelace", email="ada@example.org", variables={"x": "tumour"}),
    Contact("patient-78", BOB, "Bobby"),
]
PERSONAL = (
    ADA,
    ADA[2:],
    "Adalovelace",
    "ada@",
    "patient-77",
    "tumour",
    "conv_ada",
    "+1202*****00",
)


@pytest.fixture
def called(state_dir: Path, clock: HandClock, tmp_path: Path) -> Ledger:
    """Ada was called and told everything; the backup is from before."""
    ledger = Ledger.open(state_dir, clock=clock, enough_bytes=0)
    ledger.import_contacts("spring", PEOPLE, source="x.csv")
    ledger.backup(tmp_path / "copy.db")
    owed = [Message("crm", "", {"part": "note", "record": {"name": "Adalovelace"}})]
    _call(ledger, clock, owed)
    return ledger


def _call(ledger: Ledger, clock: HandClock, owed: list[Message]) -> str:
    claim = claim_next(ledger, clock)
    ticket = ledger.begin(claim, {"consent": "ada@example.org"}, run_id="run_1")
    ledger.record_placed(ticket, Placed("conv_ada"))
    outcome = Outcome(
        Disposition.ANSWERED,
        clock.now(),
        duration_s=60.0,
        cost_usd=0.09,
        summary="Adalovelace asked about her tumour",
        collected={"mail": "ada@example.org"},
    )
    step = NextStep(ContactState.COMPLETED)
    mine = [Message(m.destination, f"{ticket.attempt_id}:note", m.payload) for m in owed]
    ledger.record_completed(ticket, outcome, step, mine)
    return ticket.attempt_id


def _traces(state_dir: Path) -> list[str]:
    files = [(path, path.read_bytes()) for path in state_dir.iterdir()]
    return [f"{path.name}: {what}" for path, body in files for what in PERSONAL
            if what.encode() in body]  # fmt: skip


def test_no_byte_of_the_person_is_left(called: Ledger, state_dir: Path) -> None:
    row = {"contact_id": "patient-77", "campaign": "spring", "reason": "no consent"}
    alike = {"contact_id": "patient-77", "campaign": "autumn", "reason": "another's"}
    called.owe([Message("sheets", "run_1:1", {"row": row})])
    called.owe([Message("sheets", "run_2:1", {"row": alike})])
    called.owe([Message("email", "failed:1", {"text": "1 call failed: patient-77, patient-78"})])
    done = called.forget(ADA)
    assert (done.contacts, done.attempts, done.undelivered) == (1, 1, 2)
    left = {message.key: message.state for message in called.list_messages("owed", "dropped")}
    assert left["run_2:1"] == "owed", "the id of somebody in another campaign"
    called.close()
    assert _traces(state_dir) == ["ledger.db: patient-77"]  # the other one's
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        payloads = [text for (text,) in raw.execute("SELECT payload FROM messages")]
        (figures,) = raw.execute("SELECT disposition, duration_s, cost_usd FROM attempts")
    assert sum("patient-77" in text for text in payloads) == 1
    assert any("1 call failed: forgotten, patient-78" in text for text in payloads)
    assert figures == ("answered", 60.0, 0.09)


@pytest.mark.parametrize(
    "change",
    ["cost_usd = 0", "disposition = 'busy'", "duration_s = 1", "ended_at = 'x'", "attempt_no = 7"],
)
def test_who_forgets_a_person_cannot_change_a_figure(
    change: str, called: Ledger, state_dir: Path
) -> None:
    called.close()
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        raw.execute("INSERT INTO meta VALUES ('forgetting', '1')")
        raw.execute(f"UPDATE attempts SET phone = '{FORGOTTEN}x'")
        with pytest.raises(sqlite3.IntegrityError, match=r"ends once|identity"):
            raw.execute(f"UPDATE attempts SET phone = '{FORGOTTEN}y', {change}")


def test_outside_of_forgetting_an_attempt_keeps_its_person(
    called: Ledger, state_dir: Path
) -> None:
    called.forget(ADA)
    called.close()
    raw = sqlite3.connect(state_dir / "ledger.db")
    with closing(raw), pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"UPDATE attempts SET phone = '{FORGOTTEN}x'")


def test_who_is_forgotten_twice_is_counted_once(called: Ledger, state_dir: Path) -> None:
    called.forget(ADA)
    called.lift(ADA)
    called.import_contacts("spring", PEOPLE, source="x.csv")
    assert sum(called.totals("spring").values()) == 3
    called.forget(ADA)
    called.close()
    counted = "SELECT state, count(*) FROM contacts GROUP BY state"
    kept = "SELECT state, contacts FROM contact_counts WHERE contacts > 0"
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        assert sorted(raw.execute(counted)) == sorted(raw.execute(kept))
        assert raw.execute("SELECT count(*) FROM contacts").fetchone() == (2,)


def test_a_list_that_is_imported_later_does_not_bring_the_number_back(
    called: Ledger, state_dir: Path
) -> None:
    called.forget(ADA)
    called.import_list("national", [ADA, BOB], as_of=date(2026, 11, 1), digest="x")
    called.suppress(ADA, source="person", by="Kim")
    called.close()
    assert _traces(state_dir) == []


def test_an_open_call_is_named_and_nothing_is_changed(state_dir: Path, clock: HandClock) -> None:
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as ledger:
        ledger.import_contacts("spring", PEOPLE, source="x.csv")
        ticket = begin_next(ledger, clock)
        with pytest.raises(InputError, match=ticket.attempt_id):
            ledger.forget(ADA)
        assert ledger.suppression_of(ADA) is None


def test_a_line_that_a_crash_tore_is_erased_too(called: Ledger, state_dir: Path) -> None:
    journal = state_dir / "ledger.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b"\n", b"\n" + whole.splitlines()[-1][:-9] + b"\n", 1))
    called.forget(ADA)
    called.close()
    assert _traces(state_dir) == []


def test_an_id_from_before_the_file_was_edited_is_known(called: Ledger) -> None:
    edited = Contact("member-1", ADA, "Ada")
    called.import_contacts("spring", [edited], source="x.csv")
    assert ("spring", "patient-77") in called.traces_of(ADA).contacts


def test_while_somebody_reads_what_was_erased_is_not_said_to_be_gone(
    called: Ledger, state_dir: Path
) -> None:
    with closing(sqlite3.connect(state_dir / "ledger.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM contacts").fetchone()
        with pytest.raises(LedgerError, match="another program reads"):
            called.forget(ADA)
        reader.execute("COMMIT")
    called.forget(ADA)
    called.close()
    assert _traces(state_dir) == []


def test_a_backup_from_before_is_not_used_to_call_them_again(
    called: Ledger, state_dir: Path, clock: HandClock, tmp_path: Path
) -> None:
    called.forget(ADA)
    called.close()
    shutil.copy(tmp_path / "copy.db", state_dir / "ledger.db")
    assert recover_files(state_dir, name="ledger", clock=clock) == 1
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as mended:
        listed = mended.suppression_of(ADA)
        assert listed is not None
        assert listed.source == BY_WISH
        assert mended.in_doubt() == [], "nobody reviews a call to nobody"
        with pytest.raises(GateClosed, match="do-not-call"):
            begin_next(mended, clock)  # Ada is in the backup
        mended.recover()
        assert mended.forget(ADA).contacts == 1
    for copy in state_dir.glob("*.aside-*"):
        copy.unlink()
    assert _traces(state_dir) == []


def test_whoever_may_be_called_again_is_not_listed_anew_by_a_recovery(
    called: Ledger, state_dir: Path, clock: HandClock
) -> None:
    called.forget(ADA)
    called.lift(ADA)
    called.close()
    recover_files(state_dir, name="ledger", clock=clock)
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as mended:
        assert mended.suppression_of(ADA) is None
