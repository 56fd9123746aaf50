"""Long work on a terminal: what is under way, and how far it is. Nothing in pipes, or for work
that is done within a second."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeVar

from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.clock import SystemClock

T = TypeVar("T")

_HERTZ = 4
_SHOWN_AFTER_S = 1.0
_TELL_EVERY = 500  # rows

Tell = Callable[[int], None]


@contextmanager
def progress(terminal: Terminal, what: str) -> Iterator[Tell]:
    """While the block runs, it tells how many rows it has done; the line goes when it ends."""
    if not terminal.can_live:
        yield _nobody
        return
    with ExitStack() as stack:
        yield _Line(terminal, what, stack)


def counted(rows: Iterable[T], tell: Tell) -> Iterator[T]:
    for n, row in enumerate(rows):
        if n % _TELL_EVERY == 0:
            tell(n)
        yield row


def _nobody(done: int) -> None:
    del done


class _Line:
    """Drawn when the work turns out to be long; a terminal that is gone stops nothing."""

    def __init__(self, terminal: Terminal, what: str, stack: ExitStack) -> None:
        self._terminal, self._what, self._stack = terminal, what, stack
        self._clock = SystemClock()
        self._began_s = self._clock.monotonic()
        self._update: Tell | None = None

    def __call__(self, done: int) -> None:
        if self._update is None:
            if self._clock.monotonic() - self._began_s < _SHOWN_AFTER_S:
                return
            self._update = self._start()
        with suppress(OSError, ValueError):
            self._update(done)

    def _start(self) -> Tell:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        line = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}  {task.completed:>9,} rows"),
            TimeElapsedColumn(),
            console=self._terminal.err,
            refresh_per_second=_HERTZ,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with suppress(OSError, ValueError):
            self._stack.enter_context(line)
        task = line.add_task(self._what, total=None)
        return lambda done: line.update(task, completed=done)
