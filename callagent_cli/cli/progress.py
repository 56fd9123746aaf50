"""Long work on a terminal: what is under way, and how far it is. Nothing in pipes, or for work
that is done within a second."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeVar

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.clock import Clock, SystemClock

T = TypeVar("T")

_HERTZ = 4
_SHOWN_AFTER_S = 1.0
_TELL_EVERY = 500  # rows

Tell = Callable[[int], None]


@contextmanager
def progress(terminal: Terminal, what: str, clock: Clock | None = None) -> Iterator[Tell]:
    """While the block runs, it tells how many rows it has done; the line goes when it ends."""
    if not terminal.can_live:
        yield _nobody
        return
    with ExitStack() as stack:
        yield _Line(terminal, what, clock or SystemClock(), stack)


def counted(rows: Iterable[T], tell: Tell) -> Iterator[T]:
    for n, row in enumerate(rows):
        if n % _TELL_EVERY == 0:
            tell(n)
        yield row


def _nobody(done: int) -> None:
    del done


class _Line:
    """Drawn when the work turns out to be long, a few times a second."""

    def __init__(self, terminal: Terminal, what: str, clock: Clock, stack: ExitStack) -> None:
        self._terminal, self._what, self._clock, self._stack = terminal, what, clock, stack
        self._next_s = clock.monotonic() + _SHOWN_AFTER_S
        self._drawn: tuple[_CalmProgress, TaskID] | None = None

    def __call__(self, done: int) -> None:
        if self._clock.monotonic() < self._next_s:
            return
        line, task = self._drawn = self._drawn or self._start()
        line.update(task, completed=done, refresh=True)
        self._next_s = self._clock.monotonic() + 1 / _HERTZ

    def _start(self) -> "tuple[_CalmProgress, TaskID]":
        line = _CalmProgress(
            SpinnerColumn(),
            TextColumn("{task.description}  {task.completed:>9,} rows"),
            TimeElapsedColumn(),
            console=self._terminal.err,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._stack.enter_context(line)
        return line, line.add_task(self._what, total=None)


class _CalmProgress(Progress):
    """A terminal that is gone, or closed under us, stops no work."""

    def start(self) -> None:
        with suppress(OSError, ValueError):
            super().start()
            self.console.show_cursor(True)  # a process that is killed must not leave it hidden

    def refresh(self) -> None:
        with suppress(OSError, ValueError):
            super().refresh()

    def stop(self) -> None:
        with suppress(OSError, ValueError):
            super().stop()
