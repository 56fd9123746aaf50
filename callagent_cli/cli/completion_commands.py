"""`callagent completion`. Signature and help only."""

from typing import Annotated

import typer

from callagent_cli.cli import suggestions
from callagent_cli.cli.options import Common


def completion(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL", help="bash, zsh or fish", autocompletion=suggestions.shells
        ),
    ],
    *,
    common: Common,
) -> int:
    """Print a script with which a shell completes what you type.

    Commands, options, files, and the names of campaigns, services and channels. Put one of these
    lines where your shell starts, then open a new terminal:

    \b
      ~/.bashrc                     eval "$(callagent completion bash)"
      ~/.zshrc, after compinit      eval "$(callagent completion zsh)"
      ~/.config/fish/config.fish    callagent completion fish | source

    \b
    Example:
      callagent completion bash

    \b
    Exit statuses:
      0  printed
      2  no such shell
    """
    from callagent_cli.cli.completion import script_for

    del common
    typer.echo(script_for(shell))
    return 0
