"""Commands of a fleet: worker, pause, resume. Signatures and help only."""

from typing import Annotated

import typer

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import Campaign


def worker(
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=64, metavar="N", help="calls this worker holds"),
    ] = None,
    *,
    common: Common,
) -> int:
    """Work on whatever is ordered in the shared ledger, until stopped.

    TERM drains it: calls under way are left to the others, none is begun.

    \b
    Examples:
      callagent worker
      callagent worker --concurrency 10

    \b
    Exit statuses:
      0   stopped, and drained
      2   no shared ledger, or the config cannot be used
      75  the ledger is being moved
    """
    from callagent_cli.cli.worker import work

    return work(concurrency, common)


def pause(
    campaign: Campaign,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="for the others")] = "",
    *,
    common: Common,
) -> int:
    """Begin no further call of a campaign, on any host.

    Calls under way go on to their end.

    \b
    Example:
      callagent pause spring --reason "the agent says the wrong date"

    \b
    Exit statuses:
      0  paused
      2  no such campaign, or nobody works on it
    """
    from callagent_cli.cli.worker import pause as pause_order

    return pause_order(campaign, reason, common)


def resume(campaign: Campaign, *, common: Common) -> int:
    """Go on with a campaign that was paused, on every host.

    \b
    Example:
      callagent resume spring

    \b
    Exit statuses:
      0  resumed
      2  no such campaign, or it is not paused
    """
    from callagent_cli.cli.worker import resume as resume_order

    return resume_order(campaign, common)
