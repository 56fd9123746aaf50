"""How far long work is, on a terminal's stderr; elsewhere nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from callagent_cli.cli.terminal import Terminal
from callagent_cli.reporting.report import Follow, unfollowed

_WORTH_SHOWING = 5_000  # items; fewer are done before anybody has looked
_Item = TypeVar("_Item")


@contextmanager
def following(terminal: Terminal, *, is_result_streamed: bool) -> Iterator[Follow]:
    """The line is gone when the work is done. It does not run into a result that is streamed to
    the same screen."""
    if not terminal.can_live or (is_result_streamed and terminal.out.is_terminal):
        yield unfollowed
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(
        *columns,
        console=terminal.err,
        transient=True,
        redirect_stdout=False,  # else a result would pass through the progress line's console
        redirect_stderr=False,
    )
    with progress:

        def follow(items: Iterator[_Item], doing: str, total: int) -> Iterator[_Item]:
            if total < _WORTH_SHOWING:
                return items
            return iter(progress.track(items, total=total, description=doing))

        yield follow
