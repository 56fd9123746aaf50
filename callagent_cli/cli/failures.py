"""Errors become a message and an exit status here, and nowhere else. Never a traceback."""

import os
import re
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from callagent_cli.cli.crash_file import keep
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.errors import (
    CallAgentError,
    Interrupted,
    LedgerBusy,
    ServiceError,
    ServiceRefused,
)
from callagent_cli.domain.text import clean_lines, one_line

_SUGGESTION = " Did you mean "


def told(command: Callable[[], object]) -> int:
    """Run a command; return its exit status, having told what went wrong."""
    threading.excepthook = _told_of_thread
    _survive_any_text()
    try:
        returned = command()
        _flush()
    except BaseException as error:  # noqa: BLE001 - the one place that turns errors into words
        return _told_error(error)
    return returned if isinstance(returned, int) else ExitStatus.DONE


def status_of(error: BaseException) -> int:
    """What a command that ends by this error returns."""
    match error:
        case SystemExit(code=int() | None as code):
            return code or ExitStatus.DONE
        case KeyboardInterrupt() | Interrupted():
            return ExitStatus.INT
        case LedgerBusy():
            return ExitStatus.BUSY
        case ServiceRefused():
            return ExitStatus.REFUSED
        case ServiceError():
            return ExitStatus.RESUMABLE
        case CallAgentError():
            return ExitStatus.USAGE
        case _:
            return ExitStatus.BUG


def _told_error(error: BaseException) -> int:
    match error:
        case SystemExit(code=int() | None):
            return status_of(error)
        case KeyboardInterrupt() | Interrupted():
            return _say("interrupted", "", status_of(error))
        case CallAgentError():
            return _say(error.message, error.hint, status_of(error))
        case BrokenPipeError():
            _silence_stdout()
            return ExitStatus.DONE
        case _ if type(error).__name__ == "Abort":  # Typer's word for Ctrl-C at a prompt
            return _say("interrupted", "", ExitStatus.INT)
        case _ if hasattr(error, "format_message"):
            return _told_usage(error)
        case _:
            return _say(f"{_bug(error)}; the details are in {keep(error)}", "", ExitStatus.BUG)


def _told_usage(error: BaseException) -> int:
    """What Typer says of a misspelt command or option, in our words."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return _write(f"{error}\n", ExitStatus.USAGE)
    message = str(getattr(error, "message", "")) or str(error)
    near = list(getattr(error, "possibilities", None) or ())
    if not near and not message.startswith(("No such option", "No such command")):
        message = getattr(error, "format_message")()  # noqa: B009 - Typer's, seen by duck typing
    message, _, suggested = message.partition(_SUGGESTION)
    meant = suggested.rstrip("?") or "".join(near[:1])
    meant = "" if meant == "--help" else meant  # near to nothing that was typed
    hint = f"did you mean {meant}?" if meant else _help_of(error)
    message = message.partition(", unable to")[0]  # how a parser failed helps nobody
    message = re.sub(r"'\[(\w+)\](\.\.\.)?'", r"'\1'", message)
    return _say(message[:1].lower() + message[1:].rstrip("."), hint, ExitStatus.USAGE)


def _help_of(error: BaseException) -> str:
    if len(sys.argv) > 1 and Path(sys.argv[1]).is_file():
        return f"to call the contacts of a file: callagent run {one_line(sys.argv[1])}"
    command = getattr(getattr(error, "ctx", None), "command_path", "callagent")
    return f"`{command} --help` shows what can be typed"


def _bug(error: BaseException) -> str:
    said = mask_phones(one_line(str(error), 120))
    return f"a bug in callagent: {type(error).__name__}" + (f": {said}" if said else "")


def _told_of_thread(args: threading.ExceptHookArgs) -> None:
    """A thread that ends by an error is a bug; the run decides for itself what it means."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        where = keep(args.exc_value)
        _say(f"{_bug(args.exc_value)}; the details are in {where}", "", ExitStatus.BUG)


def _say(message: str, hint: str, status: int) -> int:
    lines = f"error: {clean_lines(message)}\n"
    if hint:
        lines += f"hint: {clean_lines(hint)}\n"
    return _write(lines, status)


def _write(text: str, status: int) -> int:
    # nobody can read it: the status still tells
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
    return status


def _survive_any_text() -> None:
    """A name that the terminal's encoding cannot show is shown as escapes, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """A full disk or a closed pipe under stdout is no failure of the command."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _silence_stdout()


def _silence_stdout() -> None:
    """Nobody reads us: let the interpreter's last flush go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
