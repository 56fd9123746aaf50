"""A ledger that cannot be trusted: whatever happened to it, nobody is dialled.

Each case damages the state of a campaign that has begun, and runs it again.
"""

import functools
import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import checks
from tests.oracle.evidence import read_log
from tests.sweeps.points import Trial, bad_endings
from tests.sweeps.product import Arm
from tests.sweeps.stage import Oracle, Shape, Stage, set_up

INPUT_ERROR = 2
_SECTOR = 512  # bytes
PLACES = 64  # in the file, from its beginning to its end
_MAY_BE_HARMLESS = {"64 bytes of garbage"}  # when they hit an unused part of a page


@dataclass(frozen=True, slots=True)
class Damage:
    name: str
    do: Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Suffered:
    name: str
    dials: int  # after the damage; none are allowed
    status: int | None
    violations: tuple[str, ...]
    kept: str = ""


def cases(places: Sequence[int] = range(PLACES)) -> list[Damage]:
    """Every case; those of one name are one row of the table. places: where the file is hurt."""
    parts = [place / PLACES for place in places]
    cuts = [Damage("cut off", functools.partial(_cut, part)) for part in parts]
    spoilt = [Damage("64 bytes of garbage", functools.partial(_garbage, part)) for part in parts]
    return [
        Damage("ledger deleted", _delete),
        Damage("side files deleted with it", _delete_all),
        Damage("foreign database", _foreign),
        Damage("not a database", _noise),
        Damage("newer schema", _newer),
        Damage("yesterday's ledger", _restore),
        Damage("dials that only the journal knows", _extend_journal),
        Damage("journal deleted", _delete_journal),
        Damage("somebody else's journal", _other_journal),
        *cuts,
        *spoilt,
    ]


def rows(results: Sequence[Suffered]) -> list[list[str]]:
    table = []
    for name in dict.fromkeys(case.name for case in cases()):
        of_name = [result for result in results if result.name == name]
        statuses = sorted({str(result.status) for result in of_name})
        wrong = sum(len(result.violations) for result in of_name)
        dials = sum(result.dials for result in of_name)
        table.append([name, str(len(of_name)), str(dials), ", ".join(statuses), str(wrong)])
    return table


def suffer(damage: Damage, plant: Arm, folder: Path, oracle: Oracle, key: str) -> Suffered:
    """Call one of four, keep a copy of the ledger, call two more, damage it, run again."""
    stage = set_up(folder, oracle, key, Shape())
    trial = Trial(stage, oracle, plant)
    trial.run(options=("--limit", "1"))
    _fold_in(stage.ledger)
    shutil.copy(stage.ledger, _older(stage))
    trial.run(options=("--limit", "2"))
    _fold_in(stage.ledger)
    before = len(_dials(stage))
    damage.do(stage)
    ended = trial.run()
    oracle.close_world(key)
    dials = len(_dials(stage)) - before
    evidence = trial.evidence()
    wrong = bad_endings(trial.endings)
    if twice := checks.doubles(evidence):
        wrong.append(f"{twice} numbers were called twice")
    if dials and damage.name not in _MAY_BE_HARMLESS:
        wrong.append(f"{dials} dials on a ledger that cannot be trusted")
    if ended.status != INPUT_ERROR and damage.name not in _MAY_BE_HARMLESS:
        wrong.append(f"ended with {ended.status}")
    if not wrong:
        stage.remove()
    kept = str(folder) if wrong else ""
    return Suffered(damage.name, dials, ended.status, tuple(wrong), kept)


def _dials(stage: Stage) -> list[object]:
    return [line for line in read_log(stage.oracle_log) if line["kind"] == "dial"]


def _fold_in(ledger: Path) -> None:
    """Move the write-ahead log into the ledger, so that the ledger is the one file to damage."""
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _delete(stage: Stage) -> None:
    stage.ledger.unlink()


def _delete_all(stage: Stage) -> None:
    for file in stage.ledger.parent.glob(f"{stage.ledger.name}*"):
        file.unlink()


def _foreign(stage: Stage) -> None:
    _delete_all(stage)
    with closing(sqlite3.connect(stage.ledger)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()


def _noise(stage: Stage) -> None:
    stage.ledger.write_bytes(bytes(range(256)) * 64)


def _newer(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.ledger)) as connection:
        connection.execute("UPDATE meta SET value = '1000' WHERE key = 'schema_version'")
        connection.commit()


def _restore(stage: Stage) -> None:
    shutil.copy(_older(stage), stage.ledger)


def _older(stage: Stage) -> Path:
    return stage.folder / "older.db"


def _extend_journal(stage: Stage) -> None:
    """Append an intent that the ledger has never heard of: a check sum, a space, JSON."""
    last = json.loads(stage.journal.read_text().splitlines()[-1].partition(" ")[2])
    body = json.dumps({**last, "attempt_id": "ca_stranger"})
    with stage.journal.open("a") as journal:
        journal.write(f"{zlib.crc32(body.encode()):08x} {body}\n")


def _delete_journal(stage: Stage) -> None:
    stage.journal.unlink()


def _other_journal(stage: Stage) -> None:
    """The first line of another workspace's journal."""
    body = json.dumps({"workspace": "0" * 32})
    stage.journal.write_text(f"{zlib.crc32(body.encode()):08x} {body}\n")


def _cut(part: float, stage: Stage) -> None:
    with stage.ledger.open("r+b") as ledger:
        ledger.truncate(_at(stage, part))


def _garbage(part: float, stage: Stage) -> None:
    with stage.ledger.open("r+b") as ledger:
        ledger.seek(_at(stage, part))
        ledger.write(b"\xa5" * 64)


def _at(stage: Stage, part: float) -> int:
    """Offset of a part of the ledger, on the border of a sector."""
    return int(stage.ledger.stat().st_size * part) // _SECTOR * _SECTOR
