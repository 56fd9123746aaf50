"""Every command as Typer knows it: its sentence, its usage, options, examples, statuses."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_SHARED = frozenset({"config", "no_color", "verbose", "quiet", "help"})


@dataclass(frozen=True, slots=True)
class Parameter:
    names: str  # as typed: `--campaign, -n NAME`
    about: str


@dataclass(frozen=True, slots=True)
class Command:
    path: str  # `callagent deliveries list`
    about: str  # its help, as it stands in the code
    usage: str
    arguments: Sequence[Parameter]
    options: Sequence[Parameter]


def commands(root: Any) -> list[Command]:
    """In the order of `callagent --help`. root: what Typer makes of the whole program."""
    return list(_under(root, "callagent"))


def shared_options(root: Any) -> list[Parameter]:
    """What every command takes."""
    first = next(_leaves(root, "callagent"))[1]
    return [_parameter(p) for p in first.params if p.name in _SHARED and p.name != "help"]


def _under(group: Any, path: str) -> Iterator[Command]:
    for full, command in _leaves(group, path):
        own = [p for p in command.params if p.name not in _SHARED]
        arguments = [p for p in own if p.param_type_name == "argument"]
        options = [p for p in own if p.param_type_name == "option"]
        words = [full, *(str(p.metavar) for p in arguments), *(["[OPTIONS]"] if options else [])]
        yield Command(
            full,
            inspect.cleandoc(command.help or "").replace("\b\n", ""),
            " ".join(words),
            [_parameter(p) for p in arguments],
            [_parameter(p) for p in options],
        )


def _leaves(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        full = f"{path} {name}"
        if hasattr(command, "commands"):
            yield from _leaves(command, full)
        else:
            yield full, command


def _parameter(parameter: Any) -> Parameter:
    if parameter.param_type_name == "argument":
        return Parameter(str(parameter.metavar), parameter.help or "")
    names = ", ".join((*parameter.opts, *parameter.secondary_opts))
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    repeats = " (repeatable)" if parameter.multiple and "repeatable" not in parameter.help else ""
    return Parameter(names + value, (parameter.help or "") + repeats)
