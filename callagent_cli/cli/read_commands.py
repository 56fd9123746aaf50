"""Commands that only look: health, status, report, review, config. Signatures and help only."""

from pathlib import Path
from typing import Annotated

import typer

from callagent_cli.cli import suggestions
from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson, Campaign, ShowPii


def health(
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SERVICE]...", help="default: all", autocompletion=suggestions.watched
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="every 30 s until Ctrl-C")] = False,
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Probe the services once: would the next call work?

    Reads only; places nothing.

    \b
    Examples:
      callagent health
      callagent health elevenlabs --json

    \b
    Exit statuses:
      0  all ok
      3  one is degraded, down or misconfigured
      2  no such service, or a config error
    """
    from callagent_cli.cli.health import health as probe

    return probe(services or [], watch=watch, as_json=as_json, common=common)


def status(
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="[CAMPAIGN]", help="default: all", autocompletion=suggestions.campaigns
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="follow the run that is on until it ends")
    ] = False,
    as_json: AsJson = False,
    *,
    common: Common,
) -> int:
    """Say where the campaigns stand and what to do next.

    Reads only, also while a run is on. With --watch it shows the live view of a run that was
    started elsewhere; without a terminal a line for each change, with --json a JSON line about
    every second.

    \b
    Examples:
      callagent status
      callagent status spring --json
      callagent status --watch

    \b
    Exit statuses:
      0    shown; with --watch: the run has ended, or none is on
      2    no such campaign, or a ledger that cannot be read
      130  --watch was ended by Ctrl-C; the run goes on
    """
    from callagent_cli.cli.status import status as show

    return show(campaign, follow=watch, as_json=as_json, common=common)


def report(
    campaign: Campaign,
    as_json: AsJson = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="one row a contact; new file, or - for stdout"),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="one page with charts; new file, or -"),
    ] = None,
    show_pii: ShowPii = False,
    *,
    common: Common,
) -> int:
    """Show a campaign's results: outcomes, reach, failures, cost.

    The page of --html needs no network and no other file: send it as it is. Without --show-pii
    phone numbers are masked. Nothing is overwritten.

    \b
    Examples:
      callagent report spring
      callagent report spring --html spring.html
      callagent report spring --csv spring.csv --json

    \b
    Exit statuses:
      0  shown
      2  no such campaign, or a file that exists already
    """
    from callagent_cli.cli.report import report as show

    return show(
        campaign,
        as_json=as_json,
        csv_path=csv,
        html_path=html,
        show_pii=show_pii,
        common=common,
    )


def why(
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="any usual spelling")],
    as_json: AsJson = False,
    show_pii: ShowPii = False,
    *,
    common: Common,
) -> int:
    """Tell all that is known of a number, and what the next run does.

    Each campaign's attempts with the evidence that allowed them, what is owed, the
    do-not-call list, and what each rule says at this moment. Reads only.

    \b
    Examples:
      callagent why "+1 202 555 0101"
      callagent why 2025550101 --json --show-pii

    \b
    Exit statuses:
      0  shown, also when nobody knows the number
      2  no phone number
    """
    from callagent_cli.cli.why import why as tell

    return tell(phone, as_json=as_json, show_pii=show_pii, common=common)


def review(as_json: AsJson = False, show_pii: ShowPii = False, *, common: Common) -> int:
    """List the attempts in doubt: calls that may have rung.

    \b
    Example:
      callagent review

    \b
    Exit statuses:
      0  none
      6  some are waiting
    """
    from callagent_cli.cli.review import review as show

    return show(as_json=as_json, show_pii=show_pii, common=common)


def alerts_test(
    channels: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHANNEL]...",
            help="default: all enabled",
            autocompletion=suggestions.channels,
        ),
    ] = None,
    *,
    common: Common,
) -> int:
    """Send one marked test alert through each enabled channel.

    \b
    Example:
      callagent alerts test email

    \b
    Exit statuses:
      0  every channel took it
      2  no such channel, or none is enabled
      3  a channel failed
    """
    from callagent_cli.cli.alerts import test_channels

    return test_channels(channels or [], common)


def config_init(
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="where; made if need be")
    ] = Path(),
    country: Annotated[
        str | None, typer.Option("--country", metavar="CC", help="of your numbers (US)")
    ] = None,
    hours: Annotated[
        str | None, typer.Option("--hours", metavar="FROM-TO", help="as 09:00-18:00")
    ] = None,
    days: Annotated[str | None, typer.Option("--days", metavar="DAYS", help="as mon-fri")] = None,
    require_consent: Annotated[
        bool | None,
        typer.Option("--require-consent/--no-require-consent", help="only who said yes"),
    ] = None,
    agent_id: Annotated[
        str | None, typer.Option("--agent-id", metavar="ID", help="agent_…")
    ] = None,
    phone_number_id: Annotated[
        str | None, typer.Option("--phone-number-id", metavar="ID", help="phnum_…")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: defaults and flags")] = False,
    force: Annotated[bool, typer.Option("--force", help="replace; old files are kept")] = False,
    *,
    common: Common,
) -> int:
    """Write config.yml, .env and sample contacts for a new campaign.

    Asks a few questions; flags answer them beforehand. The key is typed unseen, or taken
    from ELEVEN_API_KEY; .env is readable by its owner alone. Begins in the sandbox.

    \b
    Examples:
      callagent config init --dir spring --yes
      callagent config init --dir clinic --yes --country GB --days mon-fri

    \b
    Exit statuses:
      0  written
      2  the files exist, an answer is wrong, or nobody is there to ask
    """
    from callagent_cli.cli.config_init import Given, init

    given = Given(country, hours, days, require_consent, agent_id, phone_number_id)
    return init(folder, given, is_agreed=yes, is_forced=force, common=common)


def config_check(*, common: Common) -> int:
    """Find every problem in config.yml and the environment.

    \b
    Example:
      callagent config check

    \b
    Exit statuses:
      0  in order
      2  all problems in one message
    """
    from callagent_cli.cli.config_commands import check

    return check(common)


def config_show(as_json: AsJson = False, *, common: Common) -> int:
    """Show every setting, where it comes from, and the retry schedule.

    Secrets stay hidden.

    \b
    Example:
      callagent config show

    \b
    Exit statuses:
      0  shown
      2  the config is wrong
    """
    from callagent_cli.cli.config_commands import show

    return show(common, as_json=as_json)


def config_schema(*, common: Common) -> int:
    """Print the JSON Schema of config.yml, for editors.

    \b
    Example:
      callagent config schema > config.schema.json

    \b
    Exit status:
      0  printed
    """
    from callagent_cli.cli.config_commands import schema

    del common
    return schema()
