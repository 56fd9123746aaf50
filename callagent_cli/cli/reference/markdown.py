"""A page as Markdown, for docs/reference/."""

from collections.abc import Iterator, Sequence
from typing import Any

from callagent_cli.cli.reference.commands import Command, Parameter, commands, shared_options
from callagent_cli.cli.reference.page import Page, Table

_NOTE = "<!-- made by docs/make_reference.py; do not edit -->"


def as_markdown(page: Page) -> str:
    parts = [f"# {page.title}", _NOTE, page.about, *(_table(table) for table in page.tables)]
    return "\n\n".join(parts) + "\n"


def commands_as_markdown(root: Any) -> str:
    parts = ["# Commands", _NOTE, "Every command takes:", _listed(shared_options(root))]
    for command in commands(root):
        parts += _command(command)
    return "\n\n".join(parts) + "\n"


def _command(command: Command) -> Iterator[str]:
    sentence, _, rest = command.about.partition("\n")
    yield f"## {command.path}"
    yield f"{sentence}\n\n```\n{command.usage}\n```"
    if parameters := [*command.arguments, *command.options]:
        yield _listed(parameters)
    if rest.strip():
        yield f"```\n{rest.strip()}\n```"


def _listed(parameters: Sequence[Parameter]) -> str:
    return "\n".join(f"- `{p.names}`: {p.about}" for p in parameters)


def _table(table: Table) -> str:
    lines = [f"## {table.title}\n"] if table.title else []
    lines += [_line(table.columns), _line(["---"] * len(table.columns))]
    lines += [_line([f"`{row[0]}`", *map(_cell, row[1:])]) for row in table.rows]
    return "\n".join(lines)


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
