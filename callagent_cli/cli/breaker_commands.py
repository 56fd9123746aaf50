"""`callagent breaker …`: signatures and help only."""

from typing import Annotated

import typer

from callagent_cli.cli import suggestions
from callagent_cli.cli.options import Common

Service = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE",
        help="as `callagent health` names it",
        autocompletion=suggestions.watched,
    ),
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="you (default: your login)")]


def hold_open(
    service: Service,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="why; everybody sees it")
    ],
    by: By = "",
    *,
    common: Common,
) -> int:
    """Hold a service's breaker open: nothing is asked of it.

    In a run that is on within about a second, and in every later one, until `breaker close`.
    With elevenlabs held, nobody is called; without the others calls go on. `status`, `health`
    and the live table show who holds it, why and since when.

    \b
    Example:
      callagent breaker open crm --reason "migration until 14:00" --by Kim

    \b
    Exit statuses:
      0  held open
      2  no such service, or no reason
    """
    from callagent_cli.cli.breaker import hold_open as hold

    return hold(service, reason=reason, by=by, common=common)


def close(
    service: Service,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="why; logged")] = "",
    by: By = "",
    *,
    common: Common,
) -> int:
    """Lift `breaker open`: the service is asked again.

    The first failure opens the breaker again by itself. What opened without a person closes
    without one: `callagent health` shows when.

    \b
    Example:
      callagent breaker close crm

    \b
    Exit statuses:
      0  lifted
      2  no such service, or nobody holds it open
    """
    from callagent_cli.cli.breaker import close as lift

    return lift(service, reason=reason, by=by, common=common)
