"""The two streams of a command: results to stdout, everything else to stderr.

A closed pipe, a full disk or a terminal that is gone never stops a campaign: what cannot be
written is dropped, because the ledger and the log have it.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from callagent_cli.cli.options import Common
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import clean_lines

_NARROWEST = 40
_UNFOLDED = 10_000  # columns of a file or pipe: `grep` finds whole lines
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class OutputLost(InputError):
    """Nobody can read what a command found out; what it did is done."""


@dataclass(frozen=True, slots=True)
class Terminal:
    out: Console
    err: Console
    is_quiet: bool
    is_verbose: bool

    @classmethod
    def of(cls, common: Common) -> "Terminal":
        def console(*, is_stderr: bool) -> Console:
            return _CalmConsole(
                stderr=is_stderr,
                width=_width(sys.stderr if is_stderr else sys.stdout),
                no_color=not common.is_color or None,
                highlight=False,
                markup=False,
                emoji=False,
            )

        return cls(
            console(is_stderr=False), console(is_stderr=True), common.is_quiet, common.is_verbose
        )

    @property
    def can_live(self) -> bool:
        return self.err.is_terminal and not self.is_quiet and self.err.width >= _NARROWEST

    @property
    def can_ask(self) -> bool:
        """A person is there to answer."""
        return sys.stdin is not None and sys.stdin.isatty() and self.err.is_terminal

    def ask(self, question: str) -> bool:
        """Ctrl-C and Ctrl-D are a no, on a line of their own."""
        return self.answer(question).lower() in {"y", "yes"}

    def answer(self, question: str) -> str:
        """What is typed, without the spaces around it; empty at Ctrl-D."""
        self.err.print(Text(question), end="")
        typed = ""
        try:
            typed = sys.stdin.readline()
        finally:
            if not typed.endswith("\n"):
                self.say("")
        return typed.strip()

    def say(self, text: str) -> None:
        """A message, to stderr; silent with --quiet."""
        if not self.is_quiet:
            _quietly(lambda: self.err.print(Text(clean_lines(text))))

    def warn(self, text: str) -> None:
        """A message that --quiet does not silence."""
        _quietly(lambda: self.err.print(Text(clean_lines(text))))

    def detail(self, text: str | None) -> None:
        """A message for --verbose."""
        if text and self.is_verbose:
            self.say(text)

    def result(self, text: str) -> None:
        """Machine-readable output, to stdout, byte for byte. Raises OutputLost, as do the next
        two: a result of which half is on a full disk is no result."""
        _wholly(lambda: print(text, file=self.out.file, flush=True))

    def line(self, text: str) -> None:
        """One of a stream's lines, to stdout. When nobody reads on, the command has nothing left
        to do and ends (SystemExit)."""
        try:
            print(text, file=self.out.file, flush=True)
        except BrokenPipeError:
            _abandon_broken_streams()
            raise SystemExit(0) from None
        except OSError as error:
            _abandon_broken_streams()
            raise _lost(error) from None

    def stream(self, pieces: Iterable[str]) -> None:
        """As `result`, for a text too long to hold; the pieces bring their own line breaks."""
        _wholly(lambda: self.out.file.writelines(pieces))
        _wholly(self.out.file.flush)

    def show(self, *what: RenderableType, soft_wrap: bool = False) -> None:
        """Tables and text for people, to stdout; silent with --quiet.

        soft_wrap: leave long lines to the reader's terminal.
        """
        if not self.is_quiet:
            for part in what:
                _wholly(partial(self.out.print, part, soft_wrap=soft_wrap))


class _CalmConsole(Console):
    def on_broken_pipe(self) -> None:
        """Rich's own ends the process here with status 1, in the middle of a run."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _width(stream: TextIO | None) -> int | None:
    """None: the terminal's own, or $COLUMNS."""
    try:
        is_seen = stream is not None and stream.isatty()
    except ValueError:  # closed
        is_seen = False
    return None if is_seen or "COLUMNS" in os.environ else _UNFOLDED


def _wholly(write: Callable[[], None]) -> None:
    """As `_quietly`, where somebody waits for what is written."""
    try:
        _quietly(write, but=_FULL)
    except OSError as error:
        _abandon_broken_streams()
        raise _lost(error) from None


def _lost(error: OSError) -> OutputLost:
    return OutputLost(
        f"what was to be shown could not be written: {error.strerror}",
        hint="make room, then give the same command again",
    )


def _quietly(write: Callable[[], None], *, but: frozenset[int] = frozenset()) -> None:
    try:
        write()
    except OSError as error:
        if error.errno in but:
            raise
        _abandon_broken_streams()
    except ValueError:  # the stream was closed under us
        pass


def _abandon_broken_streams() -> None:
    """Let the interpreter's last flush go nowhere instead of failing."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # closed from the first
                stream.flush()
        except OSError:
            os.dup2(sink, stream.fileno())
    os.close(sink)
