"""`callagent status`: where the campaigns stand and what to do next. Reads only."""

import json
from datetime import datetime

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import CampaignRow

_FINAL = ("completed", "exhausted", "failed", "skipped")


def status(campaign: str | None, *, as_json: bool, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    ledger = wiring.read_ledger_if_any(settings)
    if ledger is None:
        if campaign is not None:
            hint = "start one with `callagent run CONTACTS`"
            raise InputError(f"no campaign {campaign!r}: none has run here yet", hint=hint)
        _tell_none(terminal, as_json=as_json)
        return 0
    with ledger:
        if campaign is not None:
            wiring.known_campaign(ledger, campaign)
        now = SystemClock().now()
        rows = [row for row in ledger.campaigns(now) if campaign in (None, row.campaign)]
        in_doubt, owed = len(ledger.in_doubt(campaign)), ledger.owed()
    if as_json:
        terminal.result(json.dumps(_json(rows, in_doubt, owed)))
    else:
        _show(rows, in_doubt, owed, terminal, now)
    return 0


def _tell_none(terminal: Terminal, *, as_json: bool) -> None:
    if as_json:
        terminal.result(json.dumps(_json([], 0, 0)))
    else:
        terminal.say("no campaign has run here yet; start one with `callagent run CONTACTS`")


def _json(rows: list[CampaignRow], in_doubt: int, owed: int) -> dict[str, object]:
    return {"campaigns": [_row(row) for row in rows], "in_doubt": in_doubt, "owed": owed}


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
    }


def _show(
    rows: list[CampaignRow], in_doubt: int, owed: int, terminal: Terminal, now: datetime
) -> None:
    terminal.show(_table(rows, now))
    for row in rows:
        if row.totals.get("failed"):
            command = f"callagent retry {row.campaign}"
            terminal.show(Text(f"{row.campaign}: `{command}` calls those who failed again"))
    if in_doubt:
        told = f"{in_doubt} in doubt, may have rung: `callagent review` lists them"
        terminal.show(Text(told, style="bold red"))
    if owed:
        terminal.show(Text(f"{owed} messages not delivered yet", style="yellow"))


def _table(rows: list[CampaignRow], now: datetime) -> Table:
    table = plain_table("campaign", "done", "contacts", "calls", "next")
    for row in rows:
        contacts = sum(row.totals.values())
        done = sum(row.totals.get(state, 0) for state in _FINAL)
        table.add_row(
            Text(one_line(row.campaign, 64), style="bold"),
            f"{done}/{contacts}",
            Text(counts_text(row.totals)),
            Text(counts_text(row.dispositions) or "–"),
            _next(row, now),
        )
    return table


def _next(row: CampaignRow, now: datetime) -> Text:
    if row.is_running:
        return Text("running", style="green")
    if row.next_at is None:
        return Text("nothing is due", style="dim")
    if row.next_at <= now:
        return Text("due now", style="yellow")
    return Text(f"due {row.next_at:%Y-%m-%d %H:%M} UTC")
