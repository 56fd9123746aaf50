"""`callagent`, killed at the nth step: `python -m … N WORDS`.

A step is a moment just before or just after a statement that is sent to the ledger's server, a
commit included. With N = 0 it is never killed, and says on stderr how many there were.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg

from callagent_cli.__main__ import main


class _Steps:
    def __init__(self, last: int) -> None:
        self._last, self.passed = last, 0
        self._lock = threading.Lock()

    def step(self) -> None:
        with self._lock:
            self.passed += 1
            if self.passed == self._last:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = action(*args, **kwargs)
            self.step()
            return result

        return stepped


def _arm(steps: _Steps) -> None:
    psycopg.Cursor.execute = steps.around(psycopg.Cursor.execute)  # type: ignore[method-assign]
    for name in ("commit", "rollback"):
        action = getattr(psycopg.Connection, name)
        setattr(psycopg.Connection, name, steps.around(action))


if __name__ == "__main__":
    counted = _Steps(int(sys.argv.pop(1)))
    _arm(counted)
    try:
        main()
    finally:
        print("steps", counted.passed, file=sys.stderr)
