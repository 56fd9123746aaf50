"""The plan on a terminal: who will be called when, who will not, and why."""

from rich.table import Table
from rich.text import Text

from callagent_cli.campaign.plan import Fate, Plan
from callagent_cli.cli.tables import plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.contact import mask_phone
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.text import one_line

_MOST_REASONS = 8  # of one verdict; --json has them all
_MOST_DAYS = 7
_STYLES = {Fate.CALL: "bold green", Fate.IN_DOUBT: "bold red"}


def render_plan(plan: Plan, terminal: Terminal) -> None:
    title = Text(f"plan for {plan.campaign}: nothing has been dialled", style="bold")
    terminal.show(title, _totals(plan), *_forecast(plan))
    if plan.first:
        terminal.show(Text("\nthe first to be called", style="bold"), _first(plan))
    if len(plan.days) > 1:
        terminal.show(Text("\nby day", style="bold"), _days(plan))
    if plan.rejected:
        terminal.show(Text("\nrejected rows", style="bold"))
    for row in plan.rejected:
        where = f"line {row.line}, {one_line(row.column)}" if row.column else f"line {row.line}"
        terminal.show(Text(f"{where}: {row.reason}; {row.fix}", style="dim"))
    if (more := plan.rejected_count - len(plan.rejected)) > 0:
        terminal.show(Text(f"… and {more:,} more: --csv FILE lists them all", style="dim"))
    for warning in plan.warnings:
        terminal.say(f"warning: {warning}")


def _totals(plan: Plan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    for fate in Fate:
        if n := plan.verdicts[fate]:
            table.add_row(f"{n:,}", Text(fate.value, style=_STYLES.get(fate, "bold")), "")
            for reason, count in _reasons(plan, fate):
                table.add_row("", "", Text(f"{count:,} {one_line(reason, 300)}", style="dim"))
    if plan.rejected_count:
        table.add_row(f"{plan.rejected_count:,}", Text("rejected rows", style="bold"), "")
    return table


def _reasons(plan: Plan, fate: Fate) -> list[tuple[str, int]]:
    of_fate = [(reason, n) for (f, reason), n in plan.reasons.most_common() if f is fate]
    shown, rest = of_fate[:_MOST_REASONS], of_fate[_MOST_REASONS:]
    return [*shown, ("for other reasons", sum(n for _, n in rest))] if rest else shown


def _forecast(plan: Plan) -> list[Text]:
    told = []
    if plan.to_call:
        whence = (
            "as this campaign's calls so far"
            if plan.outlook.pace.call.is_measured
            else ("by campaign.estimate")
        )
        lasts = duration_text(plan.duration_s)
        told.append(f"about {lasts}, until {plan.finish_at:%Y-%m-%d %H:%M} UTC, {whence}")
        if plan.cost_usd is not None:
            likely, most = plan.cost_usd
            told.append(f"about {likely:.2f} USD, at most {most:.2f} USD if everybody answers")
    if plan.next_at is not None:
        told.append(f"the first of those who wait: {plan.next_at:%Y-%m-%d %H:%M} UTC")
    return [Text(line) for line in told]


def _first(plan: Plan) -> Table:
    table = plain_table("contact", "phone", "UTC", "there")
    for row in plan.first:
        local, person = row.local, row.contact
        is_number = person.id.startswith("+")
        table.add_row(
            Text(mask_phone(person.id) if is_number else one_line(person.id, 30)),
            mask_phone(person.phone),
            f"{row.at:%H:%M:%S}" if row.at else "",
            f"{local:%a %H:%M}" if local else "several zones",
        )
    return table


def _days(plan: Plan) -> Table:
    table = plain_table("day (UTC)", "contacts")
    days = sorted(plan.days.items())
    for day, n in days[:_MOST_DAYS]:
        table.add_row(f"{day:%a %Y-%m-%d}", f"{n:,}")
    if len(days) > _MOST_DAYS:
        table.add_row("later", f"{sum(n for _, n in days[_MOST_DAYS:]):,}")
    return table
