"""What can be seen of a campaign from outside: the oracle's log, copies of the ledger, files."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The ledger at one moment, between two runs."""

    attempts: tuple[Row, ...] = ()
    contacts: tuple[Row, ...] = ()
    problem: str = ""  # why it could not be read
    lets_through: tuple[str, ...] = ()  # what its SQL should have refused, tried on a copy

    def state_of(self, phone: str) -> str:
        return next((str(c["state"]) for c in self.contacts if c["phone"] == phone), "absent")

    def attempts_of(self, phone: str) -> list[Row]:
        return [row for row in self.attempts if row["phone"] == phone]


def read_ledger(ledger: Path) -> Snapshot:
    """Read a copy of the ledger and its side files: looking must not mend what is looked at."""
    if not ledger.exists():
        return Snapshot()
    with tempfile.TemporaryDirectory() as folder:
        for file in ledger.parent.glob(f"{ledger.name}*"):
            shutil.copy(file, folder)
        try:
            with closing(sqlite3.connect(Path(folder) / ledger.name)) as connection:
                connection.row_factory = sqlite3.Row
                attempts, contacts = _rows(connection, "attempts"), _rows(connection, "contacts")
                return Snapshot(attempts, contacts, lets_through=_tried(connection, attempts))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            return Snapshot(problem=str(error))


def _tried(connection: sqlite3.Connection, attempts: tuple[Row, ...]) -> tuple[str, ...]:
    """Try on this copy what the ledger itself must refuse, whatever the program believes."""
    let_through = []
    still_open = [row for row in attempts if row["state"] in ("dialing", "placed", "unknown")]
    for row in still_open[:1]:
        twin = {**row, "attempt_id": "ca_twin", "conversation_id": None, "state": "claimed"}
        names, marks = ", ".join(twin), ", ".join("?" * len(twin))
        if _passes(connection, f"INSERT INTO attempts ({names}) VALUES ({marks})", *twin.values()):
            let_through.append(f"a second open attempt of {row['phone']}")
    for row in [row for row in attempts if row["state"] in ("completed", "unknown")][:2]:
        back = "UPDATE attempts SET state = 'claimed' WHERE attempt_id = ?"
        if _passes(connection, back, row["attempt_id"]):
            let_through.append(f"{row['state']} back to claimed")
    return tuple(let_through)


def _passes(connection: sqlite3.Connection, statement: str, *values: object) -> bool:
    connection.execute("SAVEPOINT attempt")
    try:
        connection.execute(statement, values)
    except sqlite3.IntegrityError:
        return False
    else:
        return True
    finally:
        connection.execute("ROLLBACK TO attempt")
        connection.execute("RELEASE attempt")


def _rows(connection: sqlite3.Connection, table: str) -> tuple[Row, ...]:
    known = connection.execute("SELECT name FROM sqlite_master WHERE name = ?", (table,))
    if known.fetchone() is None:
        return ()  # killed before the tables were made
    return tuple(dict(row) for row in connection.execute(f"SELECT * FROM {table}"))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the checks are made of."""

    wanted: tuple[str, ...]  # numbers that the file asks for, E.164
    log: tuple[Row, ...]  # the oracle's, in order
    snapshots: tuple[Snapshot, ...]  # after each run, the last one last
    statuses: tuple[int | None, ...]  # exit status of each run; None: killed
    concurrency: int = 1
    # from when to when the ledger was away, s by the machine's monotonic clock: the oracle could
    # not look into it
    blinks: tuple[tuple[float, float], ...] = ()
    failures: int = 0  # of the disk: each may have stopped a run between an intent and its dial
    outputs: Mapping[str, str] = field(default_factory=dict)  # whatever a person may get to see
    secrets: tuple[str, ...] = ()  # that must not be in them
    disposition_of: Mapping[str, str] = field(default_factory=dict)  # what the provider says

    @property
    def dials(self) -> list[Row]:
        return [line for line in self.log if line["kind"] == "dial"]

    @property
    def last(self) -> Snapshot:
        return self.snapshots[-1] if self.snapshots else Snapshot()

    @property
    def kills(self) -> int:
        return sum(status is None for status in self.statuses)


def read_log(log: Path) -> tuple[Row, ...]:
    if not log.exists():
        return ()
    return tuple(json.loads(line) for line in log.read_text().splitlines())
