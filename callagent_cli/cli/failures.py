"""Errors become a message and an exit status here, and nowhere else. Never a traceback."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.errors import CallAgentError, Interrupted, LedgerBusy, ServiceError
from callagent_cli.domain.text import clean_lines


def told(command: Callable[[], object]) -> int:
    """Run a command; return its exit status, having told what went wrong."""
    try:
        returned = command()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else ExitStatus.USAGE
    except LedgerBusy as error:
        return _say(error.message, error.hint, ExitStatus.BUSY)
    except (KeyboardInterrupt, Interrupted):
        return _say("interrupted", "", ExitStatus.INT)
    except ServiceError as error:
        return _say(error.message, error.hint, ExitStatus.REFUSED)
    except CallAgentError as error:
        return _say(error.message, error.hint, ExitStatus.USAGE)
    except BrokenPipeError:
        _silence_stdout()
        return ExitStatus.DONE
    except Exception as error:  # noqa: BLE001 - the last place that can tell
        return _told_by_typer(error)
    return returned if isinstance(returned, int) else ExitStatus.DONE


def _told_by_typer(error: Exception) -> int:
    """Typer's own errors (a misspelt option, Ctrl-C at a prompt) know what to show."""
    status = getattr(error, "exit_code", None)
    if type(error).__name__ == "Abort":
        return _say("interrupted", "", ExitStatus.INT)
    if isinstance(status, int) and hasattr(error, "format_message"):
        command = getattr(getattr(error, "ctx", None), "command_path", "callagent")
        return _say(error.format_message(), f"{command} --help", ExitStatus.USAGE)
    if isinstance(status, int):
        return status
    return _say(
        f"unexpected: {type(error).__name__}; this is a bug in callagent",
        f"the details are in {_keep(error)}",
        ExitStatus.BUG,
    )


def _keep(error: Exception) -> str:
    """Write the traceback where only this user reads it; values of variables are not in it."""
    text = mask_phones("".join(traceback.format_exception(error)))
    for name, secret in os.environ.items():
        if len(secret) >= 8 and (
            "KEY" in name or "TOKEN" in name or "PASS" in name or "SECRET" in name
        ):
            text = text.replace(secret, f"[{name}]")
    try:
        handle, path = tempfile.mkstemp(prefix="callagent-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        return "no file: nothing could be written"
    return str(Path(path))


def _say(message: str, hint: str, status: ExitStatus) -> int:
    lines = f"error: {clean_lines(message)}\n"
    if hint:
        lines += f"hint: {clean_lines(hint)}\n"
    try:
        sys.stderr.write(lines)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # nobody can read it; the status still tells
    return status


def _silence_stdout() -> None:
    """What reads us has gone: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
