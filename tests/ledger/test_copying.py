"""Moving a ledger: every row arrives, and nobody dials from the one that was left behind."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.domain.alert import Incident
from callagent_cli.domain.call import Disposition, Outcome, Placed
from callagent_cli.domain.contact import Contact, ContactState, RejectedRow
from callagent_cli.domain.errors import InputError, LedgerBusy, LedgerError
from callagent_cli.ledger import copying, move
from callagent_cli.ledger.copying import CopiedTable
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next, claim_next, people
from tests.support.hand_clock import HandClock
from tests.support.postgres import Server

_NUMBERS = itertools.count()


def _file(folder: Path, clock: HandClock) -> Ledger:
    return Ledger.open(folder, clock=clock, enough_bytes=0)


def _server(folder: Path, clock: HandClock, url: str) -> Ledger:
    return Ledger.open(folder, clock=clock, enough_bytes=0, url=url)


def _fill(folder: Path, clock: HandClock) -> None:
    """Attempts in every state, and something in every table that a campaign fills."""
    with _file(folder, clock) as ledger:
        strange = Contact("ü-1", "+12025559999", name="Zoë 電話", variables={"b": "2", "a": "é\n"})
        bad = RejectedRow(9, "phone", "12", "too short", "give the whole number")
        ledger.import_contacts("spring", [*people(8), strange, bad], source="spring.csv")
        with ledger.hold("spring", "run_1") as lease:
            for n, disposition in enumerate((Disposition.ANSWERED, Disposition.BUSY)):
                ticket = begin_next(ledger, clock)
                ledger.record_placed(ticket, Placed(f"conv_{n}"))
                outcome = Outcome(disposition, clock.now(), duration_s=42, cost_usd=0.25 * n)
                owed = [Message("crm", f"{ticket.attempt_id}:call", {"x": [1, "ü"]})]
                ledger.record_completed(ticket, outcome, NextStep(ContactState.COMPLETED), owed)
            ledger.record_placed(begin_next(ledger, clock), Placed("conv_9"))
            ledger.record_unknown(begin_next(ledger, clock), error="timeout")
            refused = begin_next(ledger, clock)
            step = NextStep(ContactState.FAILED, is_transient=True)
            ledger.record_refused(refused, error="no", category="transient", step=step)
            ledger.release(claim_next(ledger, clock), NextStep(ContactState.HELD))
            ledger.suppress("+12025550777", source="by_hand", by="ann")
            incident = Incident("crm", False, clock.now(), clock.now(), "503", 1, {"calls": 2})
            ledger.record_incidents([incident], [])
            lease.finish(0)


def _to_server(folder: Path, url: str, clock: HandClock) -> list[CopiedTable]:
    run_id = f"hand_{next(_NUMBERS)}"
    return move.to_server(folder, url, name="ledger", clock=clock, run_id=run_id)


def _to_file(folder: Path, url: str, clock: HandClock) -> list[CopiedTable]:
    run_id = f"hand_{next(_NUMBERS)}"
    return move.to_file(folder, url, name="ledger", clock=clock, run_id=run_id)


def _all(ledger: Ledger) -> object:
    return (
        list(ledger.contact_rows("spring")),
        list(ledger.rejected_rows("spring")),
        ledger.totals("spring"),
        ledger.dispositions("spring"),
        ledger.cost_usd("spring"),
        ledger.list_messages("owed", "sent"),
        ledger.open_incidents(),
        list(ledger.suppressed()),
    )


def test_there_and_back_nothing_is_lost(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    _fill(tmp_path, clock)
    with _file(tmp_path, clock) as ledger:
        before = _all(ledger)
    there = {table.name: table for table in _to_server(tmp_path, database_url, clock)}
    assert (there["contacts"].rows, there["attempts"].rows) == (9, 6)
    with _server(tmp_path, clock, database_url) as ledger:
        assert _all(ledger) == before
        ledger.owe([Message("crm", "later", {})])  # after the ids that came along
        ledger.import_contacts("spring", people(9), source="spring.csv")
        with ledger.hold("spring", "run_2"):
            claim_next(ledger, clock)
        after = _all(ledger)
    back = {table.name: table for table in _to_file(tmp_path, database_url, clock)}
    assert back["attempts"].rows == 7
    with _file(tmp_path, clock) as ledger:
        assert _all(ledger) == after
        ledger.check_whole()
    assert list(tmp_path.glob("ledger.db.moved-*"))


def test_nobody_dials_from_what_was_left_behind(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    _fill(tmp_path, clock)
    _to_server(tmp_path, database_url, clock)
    for opened in (Ledger.open, Ledger.open_readonly):
        with pytest.raises(LedgerError, match="was left behind: the ledger is now postgresql"):
            opened(tmp_path, clock=clock)
    _to_file(tmp_path, database_url, clock)
    with pytest.raises(LedgerError, match="was left behind"):
        _server(tmp_path, clock, database_url)


def test_a_ledger_that_is_at_work_is_not_moved(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    _fill(tmp_path, clock)
    with (
        _file(tmp_path, clock) as ledger,
        ledger.hold("spring", "run_2"),
        pytest.raises(LedgerBusy),
    ):
        _to_server(tmp_path, database_url, clock)
    _to_server(tmp_path, database_url, clock)
    with _server(tmp_path, clock, database_url) as ledger:
        order, _ = ledger.fleet().open_order("spring", lanes=1, limits={})
        member = ledger.fleet().join(
            "spring", "run_3", role="worker", order_id=order.order_id, version="1", lanes=1
        )
        with member, pytest.raises(LedgerBusy):
            _to_file(tmp_path, database_url, clock)


def test_a_server_that_knows_others_is_left_alone(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    _fill(tmp_path / "a", clock)
    with _server(tmp_path / "b", clock, database_url) as other:
        other.import_contacts("autumn", people(1), source="autumn.csv")
    with pytest.raises(InputError, match="holds campaigns already"):
        _to_server(tmp_path / "a", database_url, clock)
    _file(tmp_path / "a", clock).close()  # it is used where it was


def test_a_file_of_its_own_is_not_overwritten(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    _server(tmp_path, clock, database_url).close()
    (tmp_path / "ledger.journal").unlink()
    _file(tmp_path, clock).close()
    (tmp_path / "ledger.journal").unlink()
    with pytest.raises(InputError, match="a ledger of its own"):
        _to_file(tmp_path, database_url, clock)


def _stop_at(step: str, patch: pytest.MonkeyPatch) -> None:
    """As if the process had been killed there."""
    real: Callable[..., object] = getattr(copying, step)

    def stopped(*args: object) -> object:
        if step == "copy":
            real(*args)
        raise KeyboardInterrupt

    patch.setattr(copying, step, stopped)


@pytest.mark.parametrize("step", ["_write", "copy", "_require_empty"])
def test_a_move_that_is_killed_is_ended_by_the_same_command(
    step: str, tmp_path: Path, clock: HandClock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(tmp_path, clock)
    with monkeypatch.context() as patch:
        _stop_at(step, patch)
        with pytest.raises(KeyboardInterrupt):
            _to_server(tmp_path, database_url, clock)
    with pytest.raises(LedgerError, match="left behind"):
        _file(tmp_path, clock)
    _to_server(tmp_path, database_url, clock)
    with _server(tmp_path, clock, database_url) as ledger:
        assert sum(ledger.totals("spring").values()) == 9
        with ledger.hold("spring", "run_2"):  # the move's own row is no hindrance
            claim_next(ledger, clock)


def test_rows_that_arrive_otherwise_are_found_out_and_nothing_is_moved(
    tmp_path: Path, clock: HandClock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(tmp_path, clock)
    real = copying._batches

    def without_one(table, connection):  # type: ignore[no-untyped-def]  # as the real one
        for batch in real(table, connection):
            is_target = connection.dialect.name == "postgresql"
            yield batch[1:] if is_target and table.name == "contacts" else batch

    monkeypatch.setattr(copying, "_batches", without_one)
    with pytest.raises(InputError, match="contacts: 8 of 9 rows arrived"):
        _to_server(tmp_path, database_url, clock)
    monkeypatch.undo()
    with _file(tmp_path, clock) as ledger:
        assert sum(ledger.totals("spring").values()) == 9


def test_the_rules_are_in_force_again(
    tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    _fill(tmp_path, clock)
    _to_server(tmp_path, database_url, clock)
    with pytest.raises(Exception, match="attempts are never deleted"):
        server.execute("DELETE FROM callagent.attempts")


def test_a_backup_of_a_server_is_a_ledger_in_a_file_as_of_that_moment(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    _fill(tmp_path / "here", clock)
    _to_server(tmp_path / "here", database_url, clock)
    kept = tmp_path / "kept"
    kept.mkdir()
    with _server(tmp_path / "here", clock, database_url) as ledger:
        ledger.backup(kept / "ledger.db")
        assert [path.name for path in kept.iterdir()] == ["ledger.db"]
        for journal in (tmp_path / "here").glob("*journal*"):  # of this host, with its ledger
            shutil.copy(journal, kept)
        before = _all(ledger)
        ledger.suppress("+12025550778", source="by_hand", by="ann")  # after that moment
        with pytest.raises(InputError, match="exists"):
            ledger.backup(kept / "ledger.db")
    with _file(kept, clock) as copy:
        assert _all(copy) == before
