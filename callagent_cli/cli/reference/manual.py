"""The manual page callagent(1), in the language of man."""

from collections.abc import Iterable
from typing import Any

from callagent_cli.cli.reference.commands import Command, Parameter, commands, shared_options
from callagent_cli.cli.reference.page import Page
from callagent_cli.cli.reference.topics import exit_statuses

_SUMMARY = "AI phone-call campaigns: at most one call per attempt; in doubt, it stops and asks"
_FILES = (
    ("config.yml", "settings: `callagent help config`"),
    (".env", "secrets, beside config.yml; never overrides the environment"),
    (".callagent/", "ledger, dial journal and lock"),
    ("logs/app.log", "JSON Lines: `callagent help events`"),
)


def manual_page(root: Any) -> str:
    lines = ['.TH CALLAGENT 1 "" "" "User Commands"', ".SH NAME", f"callagent \\- {_t(_SUMMARY)}"]
    lines += [".SH SYNOPSIS", ".B callagent", r"\fICOMMAND\fR [\fIOPTIONS\fR]"]
    lines += [".SH OPTIONS OF EVERY COMMAND", *_parameters(shared_options(root))]
    lines.append(".SH COMMANDS")
    for command in commands(root):
        lines += _command(command)
    lines += [".SH EXIT STATUS", *_rows(exit_statuses())]
    lines.append(".SH FILES")
    for name, about in _FILES:
        lines += [".TP", f".I {_t(name)}", _t(about)]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> Iterable[str]:
    yield f".SS {_t(command.usage)}"
    yield ".nf"
    yield from (_t(line) for line in command.about.splitlines())
    yield ".fi"
    yield from _parameters([*command.arguments, *command.options])


def _parameters(parameters: Iterable[Parameter]) -> Iterable[str]:
    for parameter in parameters:
        yield from (".TP", f".B {_t(parameter.names)}", _t(parameter.about))


def _rows(page: Page) -> Iterable[str]:
    for table in page.tables:
        for name, *said in table.rows:
            yield from (".TP", f".B {_t(name)}", _t(" ".join(said)))


def _t(text: str) -> str:
    """Text that man takes for text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
