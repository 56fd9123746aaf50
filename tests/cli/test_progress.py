"""The line that says how far long work is."""

import io

import pytest
from rich.console import Console

from callagent_cli.cli.progress import counted, progress
from callagent_cli.cli.terminal import Terminal
from tests.support.hand_clock import HandClock


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def terminal(
    *, is_tty: bool = True, is_quiet: bool = False, file: io.StringIO | None = None
) -> Terminal:
    err = Console(
        file=file or io.StringIO(),
        width=80,
        force_terminal=is_tty,
        color_system=None,
        _environ={"TERM": "xterm"},
    )
    return Terminal(Console(file=io.StringIO(), width=80), err, is_quiet, False)


def work(screen: Terminal, *, seconds_a_row: float, rows: int = 2000) -> str:
    """Rows that each take their time; returns what the terminal was told."""
    clock = HandClock()
    done = 0
    with progress(screen, "reading spring.csv", clock) as tell:
        for _ in counted(range(rows), tell):
            clock.advance(seconds_a_row)
            done += 1
    assert done == rows
    assert isinstance(screen.err.file, io.StringIO)
    return "" if isinstance(screen.err.file, Gone) else screen.err.file.getvalue()


def test_long_work_is_shown_and_its_line_goes() -> None:
    told = work(terminal(), seconds_a_row=0.01)
    assert "reading spring.csv" in told
    assert "1,500 rows" in told
    assert told.rstrip().endswith("\x1b[2K"), "the line is erased at the end"
    assert "\x1b[?25h" in told, "the cursor is back"


@pytest.mark.parametrize(
    ("screen", "seconds_a_row"),
    [
        (terminal(), 0.0001),
        (terminal(is_tty=False), 0.01),
        (terminal(is_quiet=True), 0.01),
    ],
    ids=["quick work", "a pipe", "--quiet"],
)
def test_nothing_is_shown(screen: Terminal, seconds_a_row: float) -> None:
    assert work(screen, seconds_a_row=seconds_a_row) == ""


def test_a_terminal_that_is_gone_stops_no_work() -> None:
    work(terminal(file=Gone()), seconds_a_row=0.01)


def test_what_the_work_raises_is_raised() -> None:
    screen = terminal()
    with pytest.raises(ValueError, match="bad row"), progress(screen, "reading") as tell:
        tell(0)
        raise ValueError("bad row")
