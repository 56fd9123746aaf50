"""The end of a run on a terminal: what happened, what to do, what the next run would do."""

from rich.table import Table
from rich.text import Text

from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.text import one_line


def render_summary(summary: RunSummary, terminal: Terminal) -> None:
    terminal.show(_headline(summary), _numbers(summary))
    for cause in summary.failures:
        line = Text(f"  {cause.contacts} failed: ").append(one_line(cause.cause), style="red")
        terminal.show(line, Text(f"    {cause.remedy}", style="dim"))
    if summary.in_doubt:
        terminal.show(Text(f"  {summary.in_doubt} in doubt: `callagent review`", style="bold red"))
    if summary.rejected_path:
        terminal.show(Text(f"  {summary.rejected} rejected rows: {summary.rejected_path}"))
    for note in summary.notes:
        terminal.show(Text(f"  note: {one_line(note)}", style="yellow"))
    terminal.show(
        Text(f"  the next run {summary.next_run}"), Text(f"  log: {summary.log_path}", style="dim")
    )
    if summary.is_sandbox:
        terminal.show(Text("  sandbox: no real call was placed", style="bold cyan"))


def _headline(summary: RunSummary) -> Text:
    style = "bold green" if summary.exit_status == 0 else "bold yellow"
    text = Text(one_line(summary.campaign, 64), style="bold").append(": ")
    return text.append(one_line(summary.reason, 500), style=style)


def _numbers(summary: RunSummary) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    took = f"{summary.dialled} called in {summary.duration_s:.0f} s"
    cost = f", {summary.cost_usd:.2f} USD" if summary.cost_usd is not None else ""
    table.add_row("this run", Text(took + cost))
    table.add_row("contacts", Text(_counts(summary.totals)))
    if summary.dispositions:
        table.add_row("calls", Text(_counts(summary.dispositions)))
    return table


def _counts(counts: object) -> str:
    items = dict(counts).items() if isinstance(counts, dict) else ()
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in sorted(items))
