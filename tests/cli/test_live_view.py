import io
import threading

from rich.console import Console

from callagent_cli.cli.live_view import live_view
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.snapshot import RunSnapshot

RUN = RunSnapshot("spring", "sandbox", True, contacts=3, totals={"completed": 2, "pending": 1})


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def terminal(
    *, is_tty: bool = True, is_quiet: bool = False, file: io.StringIO | None = None
) -> Terminal:
    def console() -> Console:
        return Console(
            file=file or io.StringIO(),
            width=80,
            force_terminal=is_tty,
            color_system=None,
            _environ={"TERM": "xterm"},
        )

    return Terminal(console(), console(), is_quiet, False)


def shown(screen: Terminal) -> str:
    assert isinstance(screen.err.file, io.StringIO)
    return screen.err.file.getvalue()


def test_last_frame_stays_on_the_terminal() -> None:
    screen = terminal()
    with live_view(screen, lambda: RUN, is_off=False):
        pass
    assert "SANDBOX: no real call is placed" in shown(screen)
    assert "2/3  67%" in shown(screen)


def test_cursor_is_never_left_hidden() -> None:
    screen = terminal()
    with live_view(screen, lambda: RUN, is_off=False):
        during = shown(screen)
        assert during.rfind("\x1b[?25h") > during.rfind("\x1b[?25l")


def test_nothing_is_drawn_where_it_would_not_be_seen() -> None:
    for screen, is_off in (
        (terminal(is_tty=False), False),
        (terminal(is_quiet=True), False),
        (terminal(), True),
    ):
        with live_view(screen, lambda: RUN, is_off=is_off):
            pass
        assert shown(screen) == ""


def test_frames_are_drawn_while_the_run_is_at_work() -> None:
    frames, enough = 0, threading.Event()

    def snapshot() -> RunSnapshot:
        nonlocal frames
        frames += 1
        if frames >= 3:
            enough.set()
        return RUN

    with live_view(terminal(), snapshot, is_off=False):
        assert enough.wait(20)


def test_snapshot_that_fails_stops_nothing() -> None:
    def broken() -> RunSnapshot:
        raise RuntimeError("no ledger")

    screen, is_done = terminal(), False
    with live_view(screen, broken, is_off=False):
        is_done = True
    assert is_done
    assert "the live view failed: RuntimeError" in shown(screen)


def test_terminal_that_is_gone_stops_nothing() -> None:
    is_done = False
    with live_view(terminal(file=Gone()), lambda: RUN, is_off=False):
        is_done = True
    assert is_done
