"""`callagent`, killed at the nth step that changes a file: `python -m … N WORDS`.

A step is a moment just before or just after an SQL statement, an fsync or a file's new name. With
N = 0 it is never killed, and says on stderr how many steps there were.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callagent_cli.__main__ import main
from tests.sweeps import kill_sql


class Steps:
    def __init__(self, last: int) -> None:
        self.last, self.passed = last, 0
        self._lock = threading.Lock()

    def step(self) -> None:
        with self._lock:
            self.passed += 1
            if self.passed == self.last:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = action(*args, **kwargs)
            self.step()
            return result

        return stepped


def arm(steps: Steps) -> None:
    kill_sql.watch(steps.step)
    os.fsync = steps.around(os.fsync)
    Path.replace = steps.around(Path.replace)  # type: ignore[method-assign]
    Path.unlink = steps.around(Path.unlink)  # type: ignore[method-assign]


def run(arm: Callable[[Steps], None]) -> None:
    """The command of the process's own words, armed."""
    counted = Steps(int(sys.argv.pop(1)))
    arm(counted)
    try:
        main()
    finally:
        print("steps", counted.passed, file=sys.stderr)


if __name__ == "__main__":
    run(arm)
