"""`callagent help`. Signature and help only."""

from typing import Annotated

import typer

from callagent_cli.cli.options import Common

TOPICS = ("exit-statuses", "states", "events", "config")


def show_help(
    topic: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]", help="a topic or a command")
    ] = None,
    *,
    common: Common,
) -> int:
    """Explain exit-statuses, states, events, config, or a command.

    \b
    Examples:
      callagent help
      callagent help exit-statuses
      callagent help config

    \b
    Exit statuses:
      0  shown
      2  no such topic
    """
    from callagent_cli.cli.help import show

    return show(" ".join(topic or ()), common)
