"""`callagent deliveries …`: signatures and help only."""

from typing import Annotated

import typer

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson

Ids = Annotated[
    list[int] | None, typer.Argument(metavar="[ID]...", help="see `callagent deliveries list`")
]
All = Annotated[bool, typer.Option("--all", help="every dead letter")]


def list_owed(as_json: AsJson = False, *, common: Common) -> int:
    """List what is owed to CRM, sheet and channels, and dead letters.

    Reads only, also while a run is on.

    \b
    Example:
      callagent deliveries list

    \b
    Exit statuses:
      0  shown
      2  a ledger that cannot be read
    """
    from callagent_cli.cli.deliveries import list_owed as show

    return show(as_json=as_json, common=common)


def retry(ids: Ids = None, every: All = False, *, common: Common) -> int:
    """Owe dead letters again: the next run or `flush` delivers them.

    \b
    Examples:
      callagent deliveries retry 17 18
      callagent deliveries retry --all

    \b
    Exit statuses:
      0   owed again
      2   no such dead letter
      75  a run is on
    """
    from callagent_cli.cli.deliveries import retry as revive

    return revive(ids or [], is_all=every, common=common)


def drop(ids: Ids = None, every: All = False, *, common: Common) -> int:
    """Give messages up for good.

    \b
    Examples:
      callagent deliveries drop 17
      callagent deliveries drop --all

    \b
    Exit statuses:
      0   given up
      2   no such message
      75  a run is on
    """
    from callagent_cli.cli.deliveries import drop as give_up

    return give_up(ids or [], is_all=every, common=common)


def flush(
    within: Annotated[
        str, typer.Option("--within", metavar="TIME", help="how long it may take, as 45s or 5m")
    ] = "60s",
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Deliver what is owed, in order, without calling anybody; for cron.

    \b
    Example:
      callagent deliveries flush --within 5m

    \b
    Exit statuses:
      0   nothing more is owed
      4   something is still owed: a service is down, or the time was short
      2   a config or ledger that cannot be used
      75  a run is on: it delivers by itself
    """
    from callagent_cli.cli.deliveries import flush as deliver
    from callagent_cli.cli.run import duration_of

    seconds = duration_of(within, "--within") or 0.0
    return deliver(within_s=seconds, as_json=as_json, common=common)
