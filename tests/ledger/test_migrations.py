"""A ledger that an older program wrote: brought up to date, or left alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from callagent_cli.domain.errors import LedgerBusy, LedgerError
from callagent_cli.ledger import migrations
from callagent_cli.ledger.files import APPLICATION_ID, SCHEMA_VERSION
from callagent_cli.ledger.lock import take_lock
from callagent_cli.ledger.store import Ledger, recover_files
from tests.ledger.conftest import begin_next
from tests.support.hand_clock import HandClock

HERE = Path(__file__).parent


@pytest.fixture
def old(state_dir: Path) -> Path:
    """What the program with schema 1 left: one call completed, one placed, one dialling."""
    state_dir.mkdir(mode=0o700)
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        raw.execute(f"PRAGMA application_id={APPLICATION_ID}")
        raw.executescript((HERE / "schema_1.sql").read_text())
    (state_dir / "ledger.journal").write_text((HERE / "schema_1.journal").read_text())
    return state_dir


def _open(state_dir: Path, clock: HandClock) -> Ledger:
    return Ledger.open(state_dir, clock=clock, enough_bytes=0)


def _meta(state_dir: Path) -> dict[str, str]:
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        return dict(raw.execute("SELECT key, value FROM meta").fetchall())


def _rules(state_dir: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        for kind, name, sql in raw.execute("SELECT type, name, sql FROM sqlite_master"):
            yield f"{kind} {name}", " ".join((sql or "").split())


def test_an_older_ledger_is_brought_up_to_date_and_goes_on(old: Path, clock: HandClock) -> None:
    with _open(old, clock) as ledger:
        assert ledger.recover().in_doubt == 1
        assert ledger.totals("spring") == {
            "completed": 1,
            "in_progress": 1,
            "needs_review": 1,
            "pending": 1,
        }
        assert begin_next(ledger, clock).phone == "+12025550103"
    assert _meta(old)["generation"] == "4", "three dials before, one since"
    assert _meta(old)["schema_version"] == str(SCHEMA_VERSION)
    assert "migrated_to_2" in _meta(old)
    with _open(old, clock) as again:
        assert len(again.in_doubt()) == 1


def test_a_migrated_ledger_is_built_like_a_new_one(
    old: Path, clock: HandClock, tmp_path: Path
) -> None:
    _open(old, clock).close()
    _open(tmp_path / "new", clock).close()
    assert dict(_rules(old)) == dict(_rules(tmp_path / "new"))


def test_the_ledger_as_it_was_is_kept(old: Path, clock: HandClock) -> None:
    _open(old, clock).close()
    (copy,) = old.glob("ledger.db.schema-1-*")
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as raw:
        kept = raw.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        assert kept == ("1",)
        assert raw.execute("SELECT count(*) FROM attempts").fetchone() == (3,)


def test_a_migration_that_fails_changes_nothing(
    old: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(_rules(old))
    second = migrations.MIGRATIONS[0]
    broken = migrations.Migration(2, (*second.steps, "INSERT INTO nowhere VALUES (1)"))
    monkeypatch.setattr(migrations, "MIGRATIONS", (broken,))
    with pytest.raises(LedgerError, match="nowhere"):
        _open(old, clock)
    assert dict(_rules(old)) == before
    assert "generation" not in _meta(old)


def test_an_older_ledger_waits_for_the_older_programs_run(old: Path, clock: HandClock) -> None:
    held = take_lock(old / "ledger.lock")
    assert held is not None
    with closing(open(held, "rb")), pytest.raises(LedgerBusy):
        _open(old, clock)
    assert _meta(old)["schema_version"] == "1"


def test_looking_at_an_older_ledger_says_what_brings_it_up_to_date(
    old: Path, clock: HandClock
) -> None:
    with pytest.raises(LedgerError, match="older callagent") as refused:
        Ledger.open_readonly(old, clock=clock)
    assert "brings it up to date" in refused.value.hint


@pytest.mark.parametrize(
    "statement", ["PRAGMA user_version = 1002", "UPDATE meta SET value = '12' WHERE key LIKE 's%'"]
)
def test_a_newer_ledger_is_refused_by_every_door(
    statement: str, ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    ledger.close()
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        raw.execute(statement)
        raw.commit()
    for door in (
        lambda: _open(state_dir, clock),
        lambda: Ledger.open_readonly(state_dir, clock=clock),
        lambda: recover_files(state_dir, name="ledger", clock=clock),
    ):
        with pytest.raises(LedgerError, match="newer callagent"):
            door()


def test_every_version_has_its_step() -> None:
    assert [step.to_version for step in migrations.MIGRATIONS] == list(
        range(2, SCHEMA_VERSION + 1)
    )
