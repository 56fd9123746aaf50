"""The end of a run: what happened, what to do, what the next run would do.

On a terminal the whole story; elsewhere one line on stdout, and on stderr what needs a person.
"""

from rich.text import Text

from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.text import one_line

_SANDBOX = "sandbox: no real call was placed"


def render_summary(summary: RunSummary, terminal: Terminal) -> None:
    if terminal.out.is_terminal:
        _tell_the_story(summary, terminal)
        return
    terminal.show(Text(summary_line(summary)), soft_wrap=True)
    for line in _to_do(summary):
        terminal.say(line)


def summary_line(summary: RunSummary) -> str:
    """The whole run in one line, for logs of cron and for grep."""
    parts = [
        f"{one_line(summary.campaign, 64)}: {counts_text(summary.totals) or 'no contacts'}",
        _this_run(summary),
        f"exit {summary.exit_status}: {mask_phones(one_line(summary.reason))}",
    ]
    return "; ".join([*parts, _SANDBOX] if summary.is_sandbox else parts)


def _this_run(summary: RunSummary) -> str:
    took = duration_text(summary.duration_s)
    simulated = " of simulated time" if summary.is_sandbox else ""
    cost = f", {summary.cost_usd:.2f} USD" if summary.cost_usd is not None else ""
    return f"called {summary.dialled} in {took}{simulated}{cost}"


def _to_do(summary: RunSummary) -> list[str]:
    """What a person should look at, each with the way to mend it."""
    lines = [
        f"{cause.contacts} failed: {mask_phones(one_line(cause.cause))}: {cause.remedy}"
        for cause in summary.failures
    ]
    if summary.in_doubt:
        lines.append(f"{summary.in_doubt} in doubt, may have rung: `callagent review` lists them")
    if summary.rejected_path:
        rows = "1 rejected row" if summary.rejected == 1 else f"{summary.rejected} rejected rows"
        lines.append(f"{rows}: {summary.rejected_path}")
    if summary.owed:
        lines.append(
            f"{summary.owed} messages still owed ({counts_text(summary.owed_to)}): the next run "
            "goes on, or `callagent deliveries flush`"
        )
    if summary.dead_letters:
        lines.append(
            f"{summary.dead_letters} messages were given up: `callagent deliveries list` says why"
        )
    return lines + [f"warning: {mask_phones(one_line(note, 500))}" for note in summary.notes]


def _tell_the_story(summary: RunSummary, terminal: Terminal) -> None:
    style = "bold green" if summary.exit_status == 0 else "bold yellow"
    headline = Text(one_line(summary.campaign, 64), style="bold").append(": ")
    headline.append(mask_phones(one_line(summary.reason, 500)), style=style)
    table = plain_table()
    table.add_row("this run", Text(_this_run(summary)))
    table.add_row("contacts", Text(counts_text(summary.totals) or "none"))
    if summary.dispositions:
        table.add_row("calls", Text(counts_text(summary.dispositions)))
    if summary.next_run:
        table.add_row("next run", Text(summary.next_run))
    if summary.log_path:
        table.add_row("log", Text(summary.log_path, style="dim"))
    terminal.show(Text(""), headline, table)
    for line in _to_do(summary):
        terminal.show(Text(f"▸ {line}", style="yellow"))
    if summary.is_sandbox:
        terminal.show(Text(_SANDBOX, style="bold cyan"))
