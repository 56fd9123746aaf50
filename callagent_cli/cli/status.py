"""`callagent status`: where the campaigns stand and what to do next. Reads only."""

import json
from datetime import datetime

from rich.table import Table
from rich.text import Text

from callagent_cli.cli.options import Common
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
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.overview import CampaignRow


def status(campaign: str | None, *, as_json: bool, common: Common) -> int:
    terminal = Terminal.of(common)
    told = read_standing(place_of(common.config), campaign)
    if as_json:
        terminal.result(json.dumps(to_json(told)))
    elif not told.campaigns:
        terminal.say(f"no campaign has run here yet; {NOTHING_YET}")
    else:
        _show(told, terminal)
    return 0


def to_json(told: Standing) -> dict[str, object]:
    return {
        "campaigns": [_row(row) for row in told.campaigns],
        "in_doubt": told.in_doubt,
        "owed": sum(told.owed_to.values()),
        "owed_to": dict(told.owed_to),
        "dead_letters": dict(told.dead_to),
        "incidents": [_incident(incident) for incident in told.incidents],
        "next": [{"why": each.why, "command": each.command} for each in told.advice()],
    }


def _incident(incident: Incident) -> dict[str, object]:
    return {
        "service": incident.service,
        "is_refusal": incident.is_refusal,
        "opened_at": incident.opened_at.isoformat(timespec="milliseconds"),
        "error": mask_phones(incident.error),
        "reminders": incident.repeats,
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
    terminal.show(_table(told))
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
            _next(row, told.now),
        )
    return table


def _next(row: CampaignRow, now: datetime) -> Text:
    if row.is_running:
        return Text("running", style="green")
    style = "dim" if row.next_at is None else "yellow" if row.next_at <= now else ""
    return Text(due_text(row, now), style=style)
