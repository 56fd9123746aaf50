"""Kill just before or just after an SQL statement, COMMIT and ROLLBACK included.

Works on sqlite3 itself, below whatever library the product speaks SQL through.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sweeps import product

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class SqlKill:
    nth: int  # from 1; odd: before a statement, even: after it

    def arm(self) -> None:
        passed = 0

        def step() -> None:
            nonlocal passed
            passed += 1
            if passed == self.nth:
                product.die()

        watch(step)


class SqlCount:
    """Counts the boundaries that a run passes."""

    def __init__(self, report: Path) -> None:
        self.report = report
        self._passed = 0

    def arm(self) -> None:
        watch(self._step)

    def at_end(self) -> None:
        self.report.write_text(str(self._passed))

    def _step(self) -> None:
        self._passed += 1


def watch(step: Step) -> None:
    """From now on, every connection of this process calls `step` around each statement."""

    class Cursor(sqlite3.Cursor):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            return _around(step, super().execute, *args, **kwargs)

        def executemany(self, *args: Any, **kwargs: Any) -> Any:
            return _around(step, super().executemany, *args, **kwargs)

        def executescript(self, *args: Any, **kwargs: Any) -> Any:
            return _around(step, super().executescript, *args, **kwargs)

    class Connection(sqlite3.Connection):
        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, *args: Any, **kwargs: Any) -> Any:
            return _around(step, super().execute, *args, **kwargs)

        def commit(self) -> None:
            _around(step, super().commit)

        def rollback(self) -> None:
            _around(step, super().rollback)

    true_connect = sqlite3.dbapi2.connect

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = true_connect(*args, **{**kwargs, "factory": Connection})
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect  # type: ignore[assignment]


def _around(step: Step, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    step()
    result = action(*args, **kwargs)
    step()
    return result
