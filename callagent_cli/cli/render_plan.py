"""The plan on a terminal: who will be called, who will not, and why."""

from rich.table import Table
from rich.text import Text

from callagent_cli.campaign.plan import Plan
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.text import one_line


def render_plan(plan: Plan, terminal: Terminal) -> None:
    title = Text(f"plan for {plan.campaign}: nothing has been dialled", style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for verdict, contacts in plan.verdicts.items():
        table.add_row(str(contacts), Text(verdict, style="bold"), "")
        for (of, reason), n in plan.reasons.items():
            if of == verdict:
                table.add_row("", "", Text(f"{n} {one_line(reason)}", style="dim"))
    if plan.rejected_count:
        table.add_row(str(plan.rejected_count), Text("rejected rows", style="bold"), "")
    terminal.show(title, table)
    if plan.first_held_until is not None:
        terminal.show(Text(f"the first of those held: {plan.first_held_until:%Y-%m-%d %H:%M} UTC"))
    for row in plan.rejected:
        terminal.show(
            Text(f"line {row.line}, {one_line(row.column)}: {row.reason}; {row.fix}", style="dim")
        )
