"""The log, read: signatures and help only."""

from typing import Annotated

import typer

from callagent_cli.cli import suggestions
from callagent_cli.cli.options import Common


def logs(
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="[CAMPAIGN]", help="default: all", autocompletion=suggestions.campaigns
        ),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option("--contact", metavar="PHONE|ID", help="only what is about this person"),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", help="repeatable", autocompletion=suggestions.watched),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            help="as call.ended, or a kind, as breaker; repeatable",
            autocompletion=suggestions.events,
        ),
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", help="this and worse: debug, info, warning, error")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN_ID", help="only this run")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="2h, 2026-11-24, …T09:30")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="likewise")] = None,
    tail: Annotated[
        str | None,
        typer.Option(
            "--tail",
            metavar="N|all",
            help="the last N; default: 50, all with --since, --until, --run",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="and those that come, until Ctrl-C")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the JSON lines as they stand")] = False,
    *,
    common: Common,
) -> int:
    """Show what happened: the log, filtered and followed.

    Older, rotated files are read as well. Times are shown in this machine's zone; a time
    without a zone is meant so, too. Numbers are masked in the log itself: --contact finds a
    person by what the ledger knows of them.

    \b
    Examples:
      callagent logs
      callagent logs spring --level warning --since 2h
      callagent logs --contact "+1 202 555 0101"
      callagent logs --event breaker --service elevenlabs --tail all
      callagent logs --event call.ended --json --follow

    \b
    Exit statuses:
      0    shown, also when nothing matches
      2    no such campaign, event, service, level or time; a log that cannot be read
      130  --follow was ended by Ctrl-C
    """
    from callagent_cli.cli.logs import LogOptions
    from callagent_cli.cli.logs import logs as show

    return show(
        LogOptions(
            common=common,
            campaign=campaign,
            contact=contact,
            services=service or (),
            events=event or (),
            level=level,
            run_id=run,
            since=since,
            until=until,
            tail=tail,
            is_following=follow,
            is_json=as_json,
        )
    )
