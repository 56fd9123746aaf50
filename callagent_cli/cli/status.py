"""`callagent status`: where the campaigns stand and what to do next. Reads only."""

import json

from rich.table import Table
from rich.text import Text

from callagent_cli.cli.live_frame import clock_text
from callagent_cli.cli.options import Common
from callagent_cli.cli.render_fleet import fleet_json, order_lines, workers_table
from callagent_cli.cli.standing import (
    NOTHING_YET,
    Advice,
    Standing,
    done,
    due_text,
    place_of,
    read_standing,
)
from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.alert import Incident
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.hold import Hold
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.overview import CampaignRow


def status(campaign: str | None, *, follow: bool, as_json: bool, common: Common) -> int:
    """follow: as long as a run is on."""
    terminal, place = Terminal.of(common), place_of(common.config)
    told = read_standing(place, campaign)
    if follow:
        from callagent_cli.cli.watch import watch

        ended = watch(told, place, terminal, as_json=as_json)
        if ended is not None:
            return ended
        terminal.say("no run is on")
    if as_json:
        terminal.result(json.dumps(to_json(told)))
    elif not told.campaigns and not told.holds:
        terminal.say(f"no campaign has run here yet; {NOTHING_YET}")
    else:
        _show(told, terminal)
    return 0


def to_json(told: Standing) -> dict[str, object]:
    fleet = {"fleet": fleet_json(told.fleet, told.now)} if told.fleet else {}
    return {
        "campaigns": [_row(row) for row in told.campaigns],
        "in_doubt": told.in_doubt,
        "owed": sum(told.owed_to.values()),
        "owed_to": dict(told.owed_to),
        "dead_letters": dict(told.dead_to),
        "incidents": [_incident(incident) for incident in told.incidents],
        "holds": [_hold(hold) for hold in told.holds],
        "run": _run(told),
        "next": [{"why": each.why, "command": each.command} for each in told.advice()],
        **fleet,
    }


def _run(told: Standing) -> dict[str, object] | None:
    """The one that is on. What only itself knows is null when it has not told of late."""
    if told.run is None:
        return None
    run = told.live.run if told.live else None
    return {
        "run_id": told.run.run_id,
        "campaign": told.run.campaign,
        "pid": told.run.pid,
        "host": told.run.host,
        "started_at": told.run.started_at.isoformat(timespec="milliseconds"),
        "written_at": told.live.written_at.isoformat(timespec="milliseconds")
        if told.live
        else None,
        "eta_s": run.eta_s if run else None,
        "rate_per_min": run.rate_per_min if run else None,
        "elapsed_s": run.elapsed_s if run else None,
        "waiting": mask_phones(run.waiting) if run else None,
    }


def _incident(incident: Incident) -> dict[str, object]:
    return {
        "service": incident.service,
        "is_refusal": incident.is_refusal,
        "opened_at": incident.opened_at.isoformat(timespec="milliseconds"),
        "error": mask_phones(incident.error),
        "reminders": incident.repeats,
    }


def _hold(hold: Hold) -> dict[str, object]:
    return {
        "service": hold.service,
        "reason": mask_phones(hold.reason),
        "by": hold.by,
        "since": hold.since.isoformat(timespec="milliseconds"),
    }


def _row(row: CampaignRow) -> dict[str, object]:
    return {
        "campaign": row.campaign,
        "is_running": row.is_running,
        "created_at": row.created_at.isoformat(timespec="milliseconds"),
        "totals": dict(row.totals),
        "dispositions": dict(row.dispositions),
        "cost_usd": row.cost_usd,
        "next_at": row.next_at.isoformat(timespec="milliseconds") if row.next_at else None,
        "rejected": row.rejected,
        "in_doubt": row.in_doubt,
    }


def _show(told: Standing, terminal: Terminal) -> None:
    if told.campaigns:
        terminal.show(_table(told))
    if told.fleet is not None and (told.fleet.members or told.fleet.orders):
        for line in order_lines(told.fleet):
            terminal.show(Text(line))
        if told.fleet.members:
            terminal.show(workers_table(told.fleet, told.now))
    for each in told.advice():
        terminal.show(_line(each))


def _line(advice: Advice) -> Text:
    style = "bold red" if advice.is_urgent else ""
    return Text(f"{advice.why}: ", style=style).append(advice.command, style="bold")


def _table(told: Standing) -> Table:
    table = plain_table("campaign", "done", "contacts", "calls", "next")
    for row in told.campaigns:
        table.add_row(
            Text(one_line(row.campaign, 64), style="bold"),
            f"{done(row)}/{sum(row.totals.values())}",
            Text(counts_text(row.totals)),
            Text(counts_text(row.dispositions) or "–"),
            _next(row, told),
        )
    return table


def _next(row: CampaignRow, told: Standing) -> Text:
    if row.campaign in told.paused:  # calls that were on may still be under way
        return Text("paused", style="yellow")
    if row.is_running:
        eta_s = told.live.run.eta_s if told.live else None
        eta = f", ETA {clock_text(eta_s)}" if eta_s else ""
        return Text(f"running{eta}", style="green")
    style = "dim" if row.next_at is None else "yellow" if row.next_at <= told.now else ""
    return Text(due_text(row, told.now), style=style)
