"""Commands that work through contacts: run, plan, simulate. Signatures and help only."""

from pathlib import Path
from typing import Annotated

import typer

from callagent_cli.cli import suggestions
from callagent_cli.cli.options import Common, RunOptions, SimulateOptions
from callagent_cli.cli.shared_options import AsJson, CampaignName, ContactIds, Contacts, ShowPii


def run(
    contacts: Contacts,
    campaign: CampaignName = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, metavar="N", help="dial at most N")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=64, metavar="N", help="calls at the same time"),
    ] = None,
    max_duration: Annotated[
        str | None,
        typer.Option("--max-duration", metavar="TIME", help="begin no call after it, as 45m"),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, metavar="USD", help="spend at most this")
    ] = None,
    pilot: Annotated[
        int | None, typer.Option("--pilot", min=1, metavar="N", help="N contacts, then stop")
    ] = None,
    contact: ContactIds = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="call those who failed again, too")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="as `callagent plan`")] = False,
    no_live: Annotated[bool, typer.Option("--no-live", help="no live view")] = False,
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before real calls")] = False,
    no_work: Annotated[
        bool, typer.Option("--no-work", help="leave the calls to `callagent worker`")
    ] = False,
    *,
    common: Common,
) -> int:
    """Work through a campaign; the same command resumes it.

    Nobody is called twice: who has been called is in the ledger, whatever happens.

    \b
    Examples:
      callagent run examples/contacts.csv
      callagent run spring.csv --pilot 3
      callagent run spring.csv --limit 200 --max-duration 45m --yes

    \b
    Exit statuses:
      0  done, or nothing was due        5    refused until a person acts
      2  usage, config or input error    6    in doubt, see `callagent review`
      3  done, some failed technically   75   another run holds the ledger
      4  stopped with contacts left      130  interrupted (143 TERM, 129 HUP)
    """
    from callagent_cli.cli.run import run as work

    options = RunOptions(
        common=common,
        campaign=campaign,
        limit=limit,
        concurrency=concurrency,
        max_duration=max_duration,
        max_cost=max_cost,
        pilot=pilot,
        contact_ids=tuple(contact or ()),
        is_retry_failed=retry_failed,
        is_dry_run=dry_run,
        is_no_live=no_live,
        is_json=as_json,
        is_yes=yes,
        is_no_work=no_work,
    )
    return work(contacts, options)


def plan(
    contacts: Contacts,
    campaign: CampaignName = None,
    contact: ContactIds = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, metavar="N", help="as of a run that dials N")
    ] = None,
    pilot: Annotated[
        int | None, typer.Option("--pilot", min=1, metavar="N", help="as of a pilot of N")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=64, metavar="N", help="calls at the same time"),
    ] = None,
    as_json: AsJson = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="one row a contact; new file")
    ] = None,
    show_pii: ShowPii = False,
    *,
    common: Common,
) -> int:
    """Say who would be called when, who would not, and why.

    The same as `run` up to the first dial; places nothing. Times, duration and cost are
    estimates: by campaign.estimate, or by the campaign's own calls once it has ten.

    \b
    Examples:
      callagent plan examples/contacts.csv
      callagent plan examples/contacts.csv --pilot 3
      callagent plan examples/contacts.csv --csv planned.csv

    \b
    Exit statuses:
      0  the plan is shown
      2  the file or the config cannot be used
    """
    from callagent_cli.cli.run import run as work

    options = RunOptions(
        common=common,
        campaign=campaign,
        limit=limit,
        concurrency=concurrency,
        pilot=pilot,
        contact_ids=tuple(contact or ()),
        is_dry_run=True,
        is_json=as_json,
        plan_csv=csv,
        is_showing_pii=show_pii,
    )
    return work(contacts, options)


def simulate(
    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            metavar="SERVICE[:FAULT][@FROM-TO]",
            help="repeatable",
            autocompletion=suggestions.watched,
        ),
    ] = None,
    contacts: Annotated[
        int, typer.Option("--contacts", min=1, max=1600, metavar="N", help="how many to invent")
    ] = 20,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="CONTACTS", help="use these instead")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="decides how the calls go")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=0.1, metavar="X", help="simulated seconds a second"),
    ] = None,
    serve: Annotated[
        int | None,
        typer.Option(
            "--serve", min=0, max=65535, metavar="[PORT]", help="on loopback; default: any"
        ),
    ] = None,
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Play outages against the same engine, and judge each promise.

    Places no real call. FAULT is one of 503 (the default), 429, 401, quota, timeout,
    reset-after, garbage, slow; FROM and TO are seconds.

    \b
    Examples:
      callagent simulate --fail elevenlabs
      callagent simulate --fail elevenlabs:reset-after@60-155 --contacts 40 --seed 7
      callagent simulate --serve

    \b
    Exit statuses:
      0  every promise held
      1  one did not
      2  usage, config or input error
    """
    from callagent_cli.cli.simulate import simulate as play

    options = SimulateOptions(
        common=common,
        fail=tuple(fail or ()),
        contacts=contacts,
        file=file,
        seed=seed,
        speed=speed,
        serve=serve,
        is_json=as_json,
    )
    return play(options)
