"""The commands: what can be typed. Each imports its module when it runs, so `--help` is quick."""

from pathlib import Path
from typing import Annotated

import typer

from callagent_cli import __version__
from callagent_cli.cli.failures import told
from callagent_cli.cli.options import Common, RunOptions, SimulateOptions

app = typer.Typer(
    name="callagent",
    help="AI phone-call campaigns: at most one call per attempt; in doubt, it stops and asks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Check, show and describe the settings.", no_args_is_help=True)
ledger_app = typer.Typer(help="Mend the ledger.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(ledger_app, name="ledger")

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="config file (default: ./config.yml)")
]
NoColor = Annotated[bool, typer.Option("--no-color", help="no colour (also NO_COLOR)")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="one line per finished contact")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="only errors and --json")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on stdout")]
ShowPii = Annotated[bool, typer.Option("--show-pii", help="whole phone numbers")]
Contacts = Annotated[Path, typer.Argument(help="contacts file (CSV)")]
Campaign = Annotated[str, typer.Argument(help="name of a campaign, see `callagent status`")]


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="show the version")] = False,
) -> None:
    if version:
        typer.echo(f"callagent {__version__}")
        raise typer.Exit


@app.command()
def run(
    contacts: Contacts,
    campaign: Annotated[
        str | None, typer.Option("--campaign", "-n", help="its name (default: the file's stem)")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="dial at most N")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="calls at the same time")
    ] = None,
    max_duration: Annotated[
        str | None, typer.Option(help="begin no call after this time, as 45m")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="USD")] = None,
    pilot: Annotated[int | None, typer.Option(min=1, help="N contacts, then stop")] = None,
    contact: Annotated[list[str] | None, typer.Option(help="only this id; repeatable")] = None,
    retry_failed: Annotated[bool, typer.Option(help="failed contacts too")] = False,
    dry_run: Annotated[bool, typer.Option(help="as `callagent plan`")] = False,
    no_live: Annotated[bool, typer.Option(help="no live view")] = False,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Work through a campaign. The same command resumes it; nobody is called twice.

    Example: callagent run examples/contacts.csv

    Exit status: 0 done, 2 wrong use, 3 some failed, 4 stopped with contacts left, 5 refused until
    a person acts, 6 attempts in doubt, 75 another run is on, 130/143/129 interrupted.
    """
    from callagent_cli.cli.run import run as work

    options = RunOptions(
        common=Common(config, not no_color, verbose, quiet),
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
    )
    raise typer.Exit(work(contacts, options))


@app.command()
def plan(
    contacts: Contacts,
    campaign: Annotated[str | None, typer.Option("--campaign", "-n", help="its name")] = None,
    as_json: Json = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Say who would be called now, who would not, and why. Places nothing.

    Example: callagent plan examples/contacts.csv

    Exit status: 0, or 2 when the file or the config cannot be used.
    """
    from callagent_cli.cli.run import run as work

    common = Common(config, not no_color, verbose, quiet)
    options = RunOptions(common=common, campaign=campaign, is_dry_run=True, is_json=as_json)
    raise typer.Exit(work(contacts, options))


@app.command()
def simulate(
    fail: Annotated[
        list[str] | None, typer.Option(help="SERVICE[:FAULT][@FROM-TO]; repeatable")
    ] = None,
    contacts: Annotated[int, typer.Option(min=1, max=1600, help="how many to invent")] = 20,
    file: Annotated[Path | None, typer.Option(help="use these contacts instead")] = None,
    seed: Annotated[int | None, typer.Option(help="decides how the calls go")] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, help="simulated seconds a second (default 60)")
    ] = None,
    serve: Annotated[
        int | None, typer.Option(min=0, max=65535, help="put the world on this port; 0: any")
    ] = None,
    as_json: Json = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Play outages against the same engine, and judge each promise. Places no real call.

    Example: callagent simulate --fail elevenlabs

    Exit status: 0 all promises held, 1 not, 2 wrong use.
    """
    from callagent_cli.cli.simulate import simulate as play

    options = SimulateOptions(
        common=Common(config, not no_color, verbose, quiet),
        fail=tuple(fail or ()),
        contacts=contacts,
        file=file,
        seed=seed,
        speed=speed,
        serve=serve,
        is_json=as_json,
    )
    raise typer.Exit(play(options))


@app.command()
def health(
    services: Annotated[list[str] | None, typer.Argument(help="all when none is named")] = None,
    watch: Annotated[bool, typer.Option(help="repeat until Ctrl-C")] = False,
    as_json: Json = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Probe the services once: would the next call work? Reads only.

    Example: callagent health --json

    Exit status: 0 all ok, 3 something degraded, down or misconfigured, 2 wrong use.
    """
    from callagent_cli.cli.health import health as probe

    common = Common(config, not no_color, verbose, quiet)
    raise typer.Exit(probe(services or [], watch=watch, as_json=as_json, common=common))


@app.command()
def status(
    campaign: Annotated[str | None, typer.Argument(help="one campaign only")] = None,
    as_json: Json = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Say where the campaigns stand and what to do next. Reads only.

    Example: callagent status

    Exit status: 0, or 2 when there is no such campaign or no usable ledger.
    """
    from callagent_cli.cli.status import status as show

    raise typer.Exit(
        show(campaign, as_json=as_json, common=Common(config, not no_color, verbose, quiet))
    )


@app.command()
def report(
    campaign: Campaign,
    as_json: Json = False,
    csv: Annotated[Path | None, typer.Option(help="write the contacts to this file")] = None,
    show_pii: ShowPii = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Show a campaign's results: totals, dispositions, every contact with its attempts.

    Example: callagent report contacts --json

    Exit status: 0, or 2 when there is no such campaign.
    """
    from callagent_cli.cli.report import report as show

    common = Common(config, not no_color, verbose, quiet)
    raise typer.Exit(
        show(campaign, as_json=as_json, csv_path=csv, show_pii=show_pii, common=common)
    )


@app.command()
def review(
    as_json: Json = False,
    show_pii: ShowPii = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """List the attempts in doubt: calls that may have rung.

    Example: callagent review

    Exit status: 0 none, 6 some are waiting.
    """
    from callagent_cli.cli.review import review as show

    common = Common(config, not no_color, verbose, quiet)
    raise typer.Exit(show(as_json=as_json, show_pii=show_pii, common=common))


@app.command()
def resolve(
    attempt: Annotated[str, typer.Argument(help="id from `callagent review`")],
    by: Annotated[str, typer.Option(help="your name; kept with the attempt")],
    called: Annotated[bool, typer.Option("--called/--not-called", help="did the phone ring?")],
    note: Annotated[str, typer.Option(help="how you know")] = "",
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Settle one attempt in doubt, by a named person.

    Example: callagent resolve ca_abc --called --by "Kim" --note "they said so"

    Exit status: 0, or 2 when the attempt is not in doubt.
    """
    from callagent_cli.cli.review import Settlement
    from callagent_cli.cli.review import resolve as settle

    common = Common(config, not no_color, verbose, quiet)
    raise typer.Exit(settle(Settlement(attempt, called, by, note), common))


@app.command()
def retry(
    campaign: Campaign,
    failed: Annotated[bool, typer.Option("--failed", help="all that failed (the default)")] = True,
    contact: Annotated[list[str] | None, typer.Option(help="only this id; repeatable")] = None,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Put failed contacts back in the queue; the next run calls them.

    Example: callagent retry contacts --contact c7

    Exit status: 0, or 2 when there is no such campaign.
    """
    from callagent_cli.cli.review import retry as put_back

    del failed
    common = Common(config, not no_color, verbose, quiet)
    raise typer.Exit(put_back(campaign, ids=tuple(contact or ()), common=common))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="must not exist yet")],
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Write a consistent copy of the ledger, also while a run is on.

    Example: callagent backup monday.db

    Exit status: 0, or 2 when the copy cannot be made.
    """
    from callagent_cli.cli.safekeeping import backup as copy

    raise typer.Exit(copy(file, Common(config, not no_color, verbose, quiet)))


@ledger_app.command()
def recover(
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Make the ledger agree with its dial journal again; nobody is called again blindly.

    Calls that only the journal knows are taken in as in doubt: the next run looks each of them
    up, and `callagent review` lists what stays. Old files are moved aside, never deleted.

    Example: callagent ledger recover

    Exit status: 0, or 2 when there is nothing to recover from.
    """
    from callagent_cli.cli.safekeeping import recover as mend

    raise typer.Exit(mend(Common(config, not no_color, verbose, quiet)))


@config_app.command("check")
def config_check(
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Find every problem in config.yml and the environment.

    Example: callagent config check

    Exit status: 0, or 2 with all problems in one message.
    """
    from callagent_cli.cli.config_commands import check

    raise typer.Exit(check(Common(config, not no_color, verbose, quiet)))


@config_app.command("show")
def config_show(
    as_json: Json = False,
    config: Config = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Show every setting, where it comes from, and the retry schedule; secrets stay hidden.

    Example: callagent config show

    Exit status: 0, or 2 when the config is wrong.
    """
    from callagent_cli.cli.config_commands import show

    raise typer.Exit(show(Common(config, not no_color, verbose, quiet), as_json=as_json))


@config_app.command("schema")
def config_schema(quiet: Quiet = False) -> None:
    """Print the JSON Schema of config.yml, for editors.

    Example: callagent config schema > config.schema.json

    Exit status: 0.
    """
    from callagent_cli.cli.config_commands import schema

    del quiet
    raise typer.Exit(schema())


def run_app() -> int:
    """Run what was typed; whatever goes wrong becomes a message and an exit status."""
    return told(lambda: app(standalone_mode=False))
