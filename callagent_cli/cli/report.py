"""`callagent report`: a campaign's results, for people, programs and spreadsheets. Reads only."""

from itertools import islice
from pathlib import Path

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.campaign.report import Report, read_report, write_csv
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import ContactRow

_MOST_SHOWN = 20  # contacts in the terminal; the files have them all
_STYLES = {
    ContactState.COMPLETED: "green",
    ContactState.FAILED: "red",
    ContactState.NEEDS_REVIEW: "bold red",
    ContactState.EXHAUSTED: "yellow",
}


def report(
    campaign: str, *, as_json: bool, csv_path: Path | None, show_pii: bool, common: Common
) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    with wiring.read_ledger(settings) as ledger:
        wiring.known_campaign(ledger, campaign)
        found = read_report(ledger, campaign, show_pii=show_pii)
        if csv_path is not None:
            written = write_csv(found, csv_path)
            terminal.say(f"{written} contacts written to {csv_path}")
        if as_json:
            terminal.stream(found.json_chunks())
        elif csv_path is None:
            _show(found, terminal, is_sandbox=wiring.is_sandbox(settings))
    return 0


def _show(report: Report, terminal: Terminal, *, is_sandbox: bool) -> None:
    contacts = sum(report.totals.values())
    terminal.show(Text(f"{report.campaign}: {contacts} contacts", style="bold"), _figures(report))
    if is_sandbox:
        terminal.show(Text("sandbox: no real call was placed", style="bold cyan"))
    if report.failures:
        terminal.show(Text("\nfailures by cause", style="bold"), _failures(report))
    shown = list(islice(report.contact_rows(), _MOST_SHOWN))
    if shown:
        terminal.show(Text("\ncontacts", style="bold"), _contacts(report, shown))
    if contacts > len(shown):
        rest = f"… and {contacts - len(shown)} more: --json or --csv FILE has them all"
        terminal.show(Text(rest, style="dim"))
    rejected = list(islice(report.rejected(), _MOST_SHOWN))
    if rejected:
        terminal.show(Text("\nrejected rows", style="bold"))
    for row in rejected:
        told = f"line {row['line']}, {row['column'] or 'row'}: {row['reason']}"
        terminal.show(Text(one_line(told), style="dim"))


def _figures(report: Report) -> Table:
    table = plain_table()
    table.add_row("contacts", Text(counts_text(report.totals) or "none"))
    table.add_row("calls", Text(counts_text(report.dispositions) or "none ended yet"))
    if report.cost_usd is not None:
        table.add_row("cost", f"{report.cost_usd:.2f} USD")
    return table


def _failures(report: Report) -> Table:
    table = plain_table("contacts", "cause", "what mends it")
    for cause in report.failures:
        said = Text(report.seen(one_line(cause.cause)))
        table.add_row(str(cause.contacts), said, Text(cause.remedy, style="dim"))
    return table


def _contacts(report: Report, rows: list[ContactRow]) -> Table:
    table = plain_table("contact", "phone", "state", "calls", "last call", "next or why")
    for row in rows:
        name = row.contact.name or report.seen(row.contact.id)
        style = next((s for state, s in _STYLES.items() if state == row.state), "")
        table.add_row(
            Text(one_line(name, 40)),
            Text(report.phone(row)),
            Text(row.state.replace("_", " "), style=style),
            str(len(row.attempts)),
            Text((row.disposition or "–").replace("_", " ")),
            Text(_next_or_why(report, row), style="dim"),
        )
    return table


def _next_or_why(report: Report, row: ContactRow) -> str:
    if row.state == ContactState.COMPLETED:
        return ""
    due = f"due {row.next_at:%Y-%m-%d %H:%M} UTC" if row.next_at else ""
    return "; ".join(filter(None, (one_line(report.seen(row.reason), 120), due)))
