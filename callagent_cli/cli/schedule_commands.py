"""`callagent schedule`: signature and help only."""

from typing import Annotated

import typer

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson, CampaignName, Contacts


def schedule(
    contacts: Contacts,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="WHEN", help="this machine's time; repeatable"),
    ] = None,
    campaign: CampaignName = None,
    install: Annotated[bool, typer.Option("--install", help="put it there")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="take it out again")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="a timer instead of cron")] = False,
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Print the crontab line, or the timer, that runs a campaign.

    With --install it is put there, in the place of an older one; all else stays. Runs may
    overlap: the second ends with status 75.

    \b
    Examples:
      callagent schedule contacts.csv --at "mon-fri 09:30"
      callagent schedule contacts.csv --at "mon-sat 09:00-17:00/30m" --systemd

    \b
    Exit statuses:
      0  printed, installed or removed
      2  no such file or time, or cron or systemd refused
    """
    from callagent_cli.cli.schedule import Order, schedule
    from callagent_cli.domain.errors import InputError

    if install and remove:
        raise InputError("--install or --remove?", hint="one of them")
    order = Order(tuple(at or ()), install, remove, systemd, as_json)
    return schedule(contacts, campaign, order, common)
