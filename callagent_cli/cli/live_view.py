"""The live view of a run: drawn four times a second from snapshots, on a thread of its own.

Invariant: it reads and never writes, and whatever goes wrong in drawing stays in drawing; a
terminal that is gone stops no campaign.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from callagent_cli.cli.live_frame import draw
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.snapshot import RunSnapshot

_HERTZ = 4
_STOPPING = "for what is under way, then it stops; Ctrl-C again ends it now"


def as_stopping(run: RunSnapshot) -> RunSnapshot:
    """A request in flight may take its whole deadline to settle: whoever waits is told."""
    return replace(run, waiting=_STOPPING)


@contextmanager
def live_view(
    terminal: Terminal, snapshot: Callable[[], RunSnapshot], *, is_off: bool
) -> Iterator[None]:
    """The view while the block runs, or nothing where it would not be seen. Its last frame
    stays."""
    if is_off or not terminal.can_live:
        yield
        return
    live = _CalmLive(
        console=terminal.err,
        get_renderable=lambda: _drawn(terminal, snapshot),
        refresh_per_second=_HERTZ,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with suppress(OSError, ValueError):
        live.start()
        terminal.err.show_cursor(True)  # a process that is killed must not leave it hidden
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            live.stop()


class _CalmLive(Live):
    def refresh(self) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone, or closed under us
            super().refresh()


def _drawn(terminal: Terminal, snapshot: Callable[[], RunSnapshot]) -> RenderableType:
    try:
        return draw(snapshot(), terminal.err.width)
    except Exception as error:  # noqa: BLE001 - a drawing must not stop a campaign
        return Text(f"the live view failed: {type(error).__name__}; the run goes on")
