"""A ledger on PostgreSQL: who may dial from it, and what it is never taken for."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from callagent_cli.domain.call import AttemptState
from callagent_cli.domain.errors import LeaseLost, LedgerBusy, LedgerError
from callagent_cli.ledger import files, migrations
from callagent_cli.ledger.migrations import Migration
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next, claim_next, people
from tests.support.hand_clock import HandClock
from tests.support.postgres import Server


def _open(folder: Path, clock: HandClock, url: str) -> Ledger:
    return Ledger.open(folder, clock=clock, enough_bytes=0, url=url)


def _silence(server: Server, run_id: str) -> None:
    """As if the run had not been heard of for two minutes, by the server's own clock."""
    server.execute(
        "UPDATE callagent.runs SET heartbeat_at = to_char(clock_timestamp() AT TIME ZONE 'UTC' "
        f"- interval '2 minutes', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00') WHERE run_id = '{run_id}'"
    )


def test_of_two_hosts_one_works(tmp_path: Path, clock: HandClock, database_url: str) -> None:
    with (
        _open(tmp_path / "a", clock, database_url) as first,
        _open(tmp_path / "b", clock, database_url) as second,
        first.hold("spring", "run_a"),
        pytest.raises(LedgerBusy, match="spring"),
    ):
        second.hold("spring", "run_b")


def test_a_run_that_slept_too_long_cannot_dial(
    tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    with (
        _open(tmp_path / "a", clock, database_url) as asleep,
        _open(tmp_path / "b", clock, database_url) as awake,
    ):
        asleep.import_contacts("spring", people(3), source="spring.csv")
        with asleep.hold("spring", "run_1") as lease:
            begun = begin_next(asleep, clock)
            claim = claim_next(asleep, clock)
            _silence(server, "run_1")
            with awake.hold("spring", "run_2"):
                assert (awake.recover().released, len(awake.in_doubt())) == (1, 1)
                with pytest.raises(LeaseLost, match="taken for dead"):
                    asleep.begin(claim, {}, run_id="run_1")
                with pytest.raises(LeaseLost, match="silent for too long"):
                    lease.heartbeat()
                with pytest.raises(LedgerError, match="nothing more is dialled"):
                    claim_next(asleep, clock)
                (doubt,) = awake.in_doubt("spring")
                assert doubt.ticket.attempt_id == begun.attempt_id
                assert awake.open_attempts("spring") == {AttemptState.UNKNOWN: 1}


def test_what_two_hosts_owe_at_the_same_moment_is_owed_once_and_nothing_with_it_is_lost(
    tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    back, mine = (Message("webhook", key, {}) for key in ("elevenlabs is back", "in doubt"))
    with (
        _open(tmp_path / "a", clock, database_url) as first,
        _open(tmp_path / "b", clock, database_url) as second,
        ThreadPoolExecutor() as pool,
    ):

        def told_by_both() -> Iterator[Message]:
            yield back
            others.append(pool.submit(second.owe, [back, mine]))
            server.wait_until_one_waits()  # for what is written and not committed

        others: list[Future[None]] = []
        first.owe(told_by_both())
        others[0].result(10)
        assert [message.key for message in first.list_messages("owed")] == [back.key, mine.key]


def test_a_clock_that_is_minutes_off_neither_loses_nor_keeps_a_lease(
    tmp_path: Path, clock: HandClock, database_url: str
) -> None:
    ahead = HandClock()
    ahead.advance(600)
    with (
        _open(tmp_path / "a", clock, database_url) as first,
        _open(tmp_path / "b", ahead, database_url) as second,
        first.hold("spring", "run_a") as lease,
    ):
        with pytest.raises(LedgerBusy):
            second.hold("spring", "run_b")
        lease.heartbeat()


def test_a_ledger_that_the_server_lost_stops_whoever_has_dialled(
    tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    with _open(tmp_path, clock, database_url) as ledger:
        ledger.import_contacts("spring", people(1), source="spring.csv")
        begin_next(ledger, clock)
    server.execute("DROP SCHEMA callagent CASCADE")
    with pytest.raises(LedgerError, match="people have been called"):
        _open(tmp_path, clock, database_url)


def test_a_server_that_was_restored_stops_whoever_has_dialled_since(
    tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    with _open(tmp_path, clock, database_url) as ledger:
        ledger.import_contacts("spring", people(2), source="spring.csv")
        begin_next(ledger, clock)
    server.execute("ALTER TABLE callagent.attempts DISABLE TRIGGER USER")
    server.execute("DELETE FROM callagent.attempts")
    server.execute("UPDATE callagent.meta SET value = '0' WHERE key = 'generation'")
    server.execute("ALTER TABLE callagent.attempts ENABLE TRIGGER USER")
    with pytest.raises(LedgerError, match="older than its dial journal"):
        _open(tmp_path, clock, database_url)


@pytest.mark.parametrize(
    "harm",
    [
        "DROP INDEX callagent.one_open_attempt_per_number",
        "ALTER TABLE callagent.attempts DISABLE TRIGGER attempts_end_once",
        "CREATE OR REPLACE FUNCTION callagent.attempts_stay() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN OLD; END'",
    ],
)
def test_a_ledger_without_its_rules_is_not_dialled_from(
    harm: str, tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    _open(tmp_path, clock, database_url).close()
    server.execute(harm)
    with pytest.raises(LedgerError, match="lacks rules"):
        _open(tmp_path, clock, database_url)


def test_a_newer_schema_is_left_alone(
    tmp_path: Path, clock: HandClock, database_url: str, server: Server
) -> None:
    _open(tmp_path, clock, database_url).close()
    server.execute("UPDATE callagent.meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(LedgerError, match=r"newer callagent \(schema 99\)"):
        _open(tmp_path, clock, database_url)


def test_an_older_ledger_is_brought_up_to_date_when_nobody_is_at_work(
    tmp_path: Path,
    clock: HandClock,
    database_url: str,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _open(tmp_path / "old", clock, database_url) as old:
        order, _ = old.fleet().open_order("spring", lanes=1, limits={})
        member = old.fleet().join(
            "spring", "run_1", role="worker", order_id=order.order_id, version="1", lanes=1
        )
        step = Migration(10, ("ALTER TABLE campaigns ADD COLUMN color VARCHAR",))
        with member, monkeypatch.context() as patch:
            patch.setattr(files, "SCHEMA_VERSION", 10)
            patch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
            with pytest.raises(LedgerBusy, match="campaign spring"):
                _open(tmp_path / "new", clock, database_url)
            member.finish(0)
            _open(tmp_path / "new", clock, database_url).close()
    assert server.execute("SELECT color FROM callagent.campaigns") == []
    with pytest.raises(LedgerError, match=r"newer callagent \(schema 10\)"):
        _open(tmp_path / "old", clock, database_url)


def test_a_server_that_does_not_answer_is_said_without_the_password(
    tmp_path: Path, clock: HandClock
) -> None:
    url = "postgresql://ann:hunter2@127.0.0.1:1/calls"
    with pytest.raises(LedgerError, match="cannot be used") as refused:
        _open(tmp_path, clock, url)
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"


def test_a_ledger_in_a_file_needs_nothing_of_the_server() -> None:
    asked = "import sys; import callagent_cli.ledger.store; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    loaded = ended.stdout.split()
    assert "callagent_cli.ledger.store" in loaded
    assert not [
        name for name in loaded if name.startswith(("psycopg", "callagent_cli.ledger.server"))
    ]
