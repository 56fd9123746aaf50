"""INT, TERM and HUP: the first asks the run to stop, the second ends the process at once.

The signals are taken by a thread of their own (`sigwait`) and never interrupt Python code
half-way: the request in flight is settled, then the run ends. The second is as safe as
`kill -9`, because the ledger is. Two at nearly the same time are one: `timeout` and process
managers signal the process and its group.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

_ECHO_S = 0.5  # no finger presses Ctrl-C twice in that time
_HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unheard() -> Iterator[None]:
    """Threads that are begun here never take a signal that is meant for the run."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class Interrupts:
    def __init__(self, on_first: Callable[[], None]) -> None:
        self._on_first = on_first
        self.caught: signal.Signals | None = None

    @property
    def exit_status(self) -> int | None:
        """128 + the signal's number, once one has come."""
        return 128 + self.caught if self.caught is not None else None

    def __enter__(self) -> "Interrupts":
        # one that is ignored (nohup, a background shell job) stays ignored
        self._taken = {s for s in _HEEDED if signal.getsignal(s) is not signal.SIG_IGN}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._taken)
        threading.Thread(target=self._take, name="interrupts", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # the signals stay with the thread until the process ends: closing files and printing
        # the summary take a moment, and a second Ctrl-C must still end it
        del kind, error, trace

    def _take(self) -> None:
        first_s = 0.0
        while self._taken:
            caught = signal.Signals(signal.sigwait(self._taken))
            if self.caught is not None:
                if time.monotonic() - first_s < _ECHO_S:
                    continue
                os._exit(128 + caught)
            self.caught, first_s = caught, time.monotonic()
            self._on_first()
