"""Options that every command takes, before or after its name, and some that several share."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from callagent_cli.cli import suggestions
from callagent_cli.cli.options import Common

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="config file (default: ./config.yml)"),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="no colour (also NO_COLOR)")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="a line per finished contact")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="errors and --json only")]

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]
ShowPii = Annotated[bool, typer.Option("--show-pii", help="whole phone numbers")]
Contacts = Annotated[
    str, typer.Argument(metavar="CONTACTS", help="file, - for stdin, or a Google Sheet")
]
Campaign = Annotated[
    str,
    typer.Argument(
        metavar="CAMPAIGN", help="see `callagent status`", autocompletion=suggestions.campaigns
    ),
]
CampaignName = Annotated[
    str | None,
    typer.Option(
        "--campaign",
        "-n",
        metavar="NAME",
        help="default: the file's stem",
        autocompletion=suggestions.campaigns,
    ),
]
ContactIds = Annotated[
    list[str] | None,
    typer.Option("--contact", metavar="ID", help="only this contact; repeatable"),
]

_SHARED = {"config": Config, "no_color": NoColor, "verbose": Verbose, "quiet": Quiet}


def add(group: typer.Typer, function: Callable[..., int], name: str | None = None) -> None:
    """Make a function that takes a keyword `common` a command with the shared options; what it
    returns is the exit status."""
    group.command(name)(_with_shared(function))


def common_of(
    config: Path | None, no_color: bool, verbose: bool, quiet: bool, before: Common | None = None
) -> Common:
    """before: what stood before the command's name; either place counts."""
    before = before or Common()
    return Common(
        config=config or before.config,
        is_color=before.is_color and not no_color,
        is_verbose=before.is_verbose or verbose,
        is_quiet=before.is_quiet or quiet,
    )


def _with_shared(function: Callable[..., int]) -> Callable[..., int]:
    def command(context: typer.Context, **given: Any) -> int:
        shared = {name: given.pop(name) for name in _SHARED}
        return function(**given, common=common_of(**shared, before=context.obj))

    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        parameter.replace(kind=keyword)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "common"
    ]
    shared = [
        inspect.Parameter(
            name, keyword, default=None if name == "config" else False, annotation=of
        )
        for name, of in _SHARED.items()
    ]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    parameters = [context, *own, *shared]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__, command.__name__ = function.__doc__, function.__name__
    return command
