"""The program under test: all that the sweeps know of its inside.

It is imported once; every run is a fork of the importer, so that a run costs milliseconds and
still is a process of its own, which can be killed at any point.
"""

import ctypes
import importlib
import os
import pkgutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

SOURCES = ("campaign", "ledger", "services", "resilience")  # whose lines are swept
_PR_SET_PTRACER = 0x59616D61
_ANY = ctypes.c_ulong(-1)
BROKEN = 70  # status of a run that an exception ended

Arm = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit status, or the signal that it died of."""

    status: int | None
    signal: int | None
    seconds: float
    is_hung: bool = False

    @property
    def was_killed(self) -> bool:
        return self.signal == signal.SIGKILL and not self.is_hung


def nothing() -> None:
    """Do as the product does."""


def package_folder() -> Path:
    package = importlib.import_module("callagent_cli")
    return Path(str(package.__file__)).parent


def preload() -> None:
    """Import everything a run may need, so that forks share it."""
    package = importlib.import_module("callagent_cli")
    for module in pkgutil.walk_packages(package.__path__, "callagent_cli."):
        importlib.import_module(module.name)
    _warm_up_phone_numbers()


def _warm_up_phone_numbers() -> None:
    phonenumbers = importlib.import_module("phonenumbers")
    timezones = importlib.import_module("phonenumbers.timezone")
    number = phonenumbers.parse("+12025550100", "US")
    phonenumbers.is_valid_number(number)
    timezones.time_zones_for_number(number)


def shift_clock(by: timedelta) -> None:
    """Let this process believe that it is later. In a fork only."""
    clock = importlib.import_module("callagent_cli.domain.clock").SystemClock
    true_now = clock.now
    clock.now = lambda self: true_now(self) + by


def start(
    argv: Sequence[str],
    folder: Path,
    key: str,
    arm: Arm = nothing,
    at_end: Arm = nothing,
    *,
    gated: bool = False,
) -> "Run":
    """Fork a run of the command line in `folder`. `arm` is called in it just before the
    product is, `at_end` just after, unless it dies.

    gated: the run waits until `Run.go()`, so that a tracer can take hold of it first. It is
    settled in its folder by then: whatever the tracer sees is the product's.
    """
    gate_read, gate_write = os.pipe()
    settled_read, settled_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(gate_write)
            os.close(settled_read)
            _enter(folder, key)
            os.close(settled_write)
            os.read(gate_read, 1)
            os.close(gate_read)
            status = _main(argv, arm)
            at_end()
            os._exit(status)
        except BaseException:  # noqa: BLE001 - a fork never returns into the harness
            traceback.print_exc()
        finally:
            os._exit(BROKEN)
    os.close(gate_read)
    os.close(settled_write)
    os.read(settled_read, 1)  # returns at the end of file, even if the fork died on its way
    os.close(settled_read)
    run = Run(pid, gate_write)
    if not gated:
        run.go()
    return run


def _enter(folder: Path, key: str) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(PATH="/usr/bin:/bin", LANG="C.UTF-8", ELEVEN_API_KEY=key, NO_COLOR="1")
    quiet = os.open(os.devnull, os.O_RDONLY)
    output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, quiet), (1, output), (2, output)):
        os.dup2(source, target)
    sys.stdin, sys.stdout = open(0), open(1, "w", buffering=1)  # noqa: SIM115 - the fork's own
    sys.stderr = open(2, "w", buffering=1)  # noqa: SIM115


def _main(argv: Sequence[str], arm: Arm) -> int:
    sys.argv = ["callagent", *argv]
    main = importlib.import_module("callagent_cli.__main__").main
    arm()
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


class Run:
    """A forked run."""

    def __init__(self, pid: int, gate: int) -> None:
        self.pid = pid
        self._gate = gate
        self._began = time.monotonic()

    def go(self) -> None:
        os.write(self._gate, b"g")
        os.close(self._gate)

    def wait(self, timeout_s: float = 60) -> Ended:
        """Wait for its end; one that does not end is killed and called hung."""
        is_late = threading.Event()

        def end_it() -> None:
            is_late.set()
            os.kill(self.pid, signal.SIGKILL)

        timer = threading.Timer(timeout_s, end_it)
        timer.start()
        _, status = os.waitpid(self.pid, 0)
        timer.cancel()
        timer.join()
        seconds = time.monotonic() - self._began
        if os.WIFSIGNALED(status):
            return Ended(None, os.WTERMSIG(status), seconds, is_hung=is_late.is_set())
        return Ended(os.WEXITSTATUS(status), None, seconds)


def die() -> None:
    """As `kill -9` does it: no handler, no cleanup, no last write."""
    os.kill(os.getpid(), signal.SIGKILL)
