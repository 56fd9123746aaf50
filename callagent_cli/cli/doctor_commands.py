"""`callagent doctor`: signature and help only."""

from typing import Annotated

import typer

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson, CampaignName


def doctor(
    contacts: Annotated[
        str | None,
        typer.Argument(metavar="[CONTACTS]", help="compared with agent, hours and credits"),
    ] = None,
    campaign: CampaignName = None,
    send_test: Annotated[
        bool, typer.Option("--send-test", help="send one test alert per channel")
    ] = False,
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Find what would spoil a real campaign, each with its fix.

    Key, agent, its variables, number, credits, contacts, hours, lists, clock, disk, ledger,
    services, alert channels. Reads only; places nothing, and is over within half a minute.

    \b
    Examples:
      callagent doctor
      callagent doctor examples/contacts.csv
      callagent doctor examples/contacts.csv --json

    \b
    Exit statuses:
      0  no problem; warnings may remain
      2  the file or the config cannot be read
      3  a problem: mend it before the first run
    """
    from callagent_cli.cli.doctor import doctor as look

    return look(contacts, campaign, sends_test=send_test, as_json=as_json, common=common)
