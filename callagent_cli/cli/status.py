"""`callagent status`: where the campaigns stand and what to do next. Reads only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.alert import Incident
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import CampaignRow

_FINAL = ("completed", "exhausted", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand, as the ledger has it."""

    campaigns: Sequence[CampaignRow] = ()
    in_doubt: int = 0
    owed_to: Mapping[str, int] = field(default_factory=dict)
    dead_to: Mapping[str, int] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "campaigns": [_row(row) for row in self.campaigns],
            "in_doubt": self.in_doubt,
            "owed": sum(self.owed_to.values()),
            "owed_to": dict(self.owed_to),
            "dead_letters": dict(self.dead_to),
            "incidents": [_incident(incident) for incident in self.incidents],
        }


def _incident(incident: Incident) -> dict[str, object]:
    return {
        "service": incident.service,
        "is_refusal": incident.is_refusal,
        "opened_at": incident.opened_at.isoformat(timespec="milliseconds"),
        "error": mask_phones(incident.error),
        "reminders": incident.repeats,
    }


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
        now = wiring.clock_of(settings).now()  # the sandbox has its own
        rows = [row for row in ledger.campaigns(now) if campaign in (None, row.campaign)]
        told = Standing(
            rows,
            in_doubt=len(ledger.in_doubt(campaign)),
            owed_to=ledger.owed_by_destination(),
            dead_to=ledger.owed_by_destination("dead"),
            incidents=ledger.open_incidents(),
        )
    if as_json:
        terminal.result(json.dumps(told.to_json()))
    else:
        _show(told, terminal, now)
    return 0


def _tell_none(terminal: Terminal, *, as_json: bool) -> None:
    if as_json:
        terminal.result(json.dumps(Standing().to_json()))
    else:
        terminal.say("no campaign has run here yet; start one with `callagent run CONTACTS`")


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


def _show(told: Standing, terminal: Terminal, now: datetime) -> None:
    terminal.show(_table(told.campaigns, now))
    for incident in told.incidents:
        terminal.show(Text(_outage(incident, now), style="bold red"))
    for row in told.campaigns:
        if row.totals.get("failed"):
            command = f"callagent retry {row.campaign}"
            terminal.show(Text(f"{row.campaign}: `{command}` calls those who failed again"))
    if told.in_doubt:
        said = f"{told.in_doubt} in doubt, may have rung: `callagent review` lists them"
        terminal.show(Text(said, style="bold red"))
    if told.owed_to:
        said = f"owed: {counts_text(told.owed_to)}; the next run or `callagent deliveries flush`"
        terminal.show(Text(said, style="yellow"))
    if told.dead_to:
        said = f"given up: {counts_text(told.dead_to)}; `callagent deliveries list` says why"
        terminal.show(Text(said, style="bold red"))


def _outage(incident: Incident, now: datetime) -> str:
    lasts = duration_text((now - incident.opened_at).total_seconds())
    how = "refuses every request" if incident.is_refusal else "is down"
    said = mask_phones(one_line(incident.error))
    command = f"callagent health {incident.service}"
    return f"{incident.service} {how}, for {lasts} as last seen: {said}; `{command}`"


def _table(rows: Sequence[CampaignRow], now: datetime) -> Table:
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
