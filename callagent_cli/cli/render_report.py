"""A report's figures as tables for a terminal; the files have every contact."""

from collections.abc import Iterable, Sequence
from itertools import islice

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.records import ContactRow
from callagent_cli.reporting.figures import Cost, Figures, Outage, Reach
from callagent_cli.reporting.report import Report

_MOST_SHOWN = 20  # contacts, causes, services; the files have them all
_BAR_WIDTH = 20
_WIDE = 100  # columns from which on a contact's number has room
_WIDEST = 300  # columns of a terminal; a pipe has more
_STYLES = {
    ContactState.COMPLETED: "green",
    ContactState.FAILED: "red",
    ContactState.NEEDS_REVIEW: "bold red",
    ContactState.EXHAUSTED: "yellow",
}


def render_report(report: Report, terminal: Terminal, *, is_sandbox: bool) -> None:
    figures = report.figures
    terminal.show(Text(_headline(figures), style="bold"))
    if is_sandbox:
        terminal.show(Text("sandbox: no real call was placed", style="bold cyan"))
    terminal.show(_totals(figures))
    _section(terminal, "reach by attempt", _reach("attempt", _attempts(figures)))
    _section(
        terminal, "reach by the hour of the contact's own day", _reach("hour", _hours(figures))
    )
    _section(terminal, "failures by cause", _failures(figures))
    _section(terminal, "services, slowest first", _services(figures))
    _section(terminal, "incidents", _incidents(figures))
    _show_contacts(report, terminal)
    _show_rejected(report, terminal)


def _headline(figures: Figures) -> str:
    contacts = "1 contact" if figures.contact_count == 1 else f"{figures.contact_count} contacts"
    return f"{one_line(figures.campaign, 64)}: {contacts}"


def _section(terminal: Terminal, title: str, table: Table | None) -> None:
    if table is not None:
        terminal.show(Text(f"\n{title}", style="bold"), table)


def _totals(figures: Figures) -> Table:
    table = plain_table()
    table.add_row("contacts", Text(counts_text(figures.totals) or "none"))
    table.add_row("calls", Text(counts_text(figures.dispositions) or "none ended yet"))
    if figures.calls.calls:
        table.add_row("reached", Text(f"{figures.calls.reach:.0%} of calls"))
    if figures.cost.total_usd is not None:
        table.add_row("cost", Text(_cost(figures.cost)))
    if figures.runs:
        table.add_row("runs", Text(_runs(figures)))
    return table


def _cost(cost: Cost) -> str:
    parts = [f"{cost.total_usd:.2f} USD", f"{cost.per_call_usd:.3f} a priced call"]
    if cost.per_answered_usd is not None:
        parts.append(f"{cost.per_answered_usd:.3f} an answered one")
    return ", ".join(parts)


def _runs(figures: Figures) -> str:
    first, last = figures.runs[0], figures.runs[-1]
    end = last.ended_at or figures.as_of
    until = f" to {end:%Y-%m-%d %H:%M}" if end else ""
    return f"{len(figures.runs)}, {first.started_at:%Y-%m-%d %H:%M}{until} UTC"


def _attempts(figures: Figures) -> list[tuple[str, Reach]]:
    return [(str(row.attempt_no), row) for row in figures.by_attempt]


def _hours(figures: Figures) -> list[tuple[str, Reach]]:
    return [
        ("not known" if row.hour is None else f"{row.hour:02d}:00", row) for row in figures.by_hour
    ]


def _reach(heading: str, rows: Sequence[tuple[str, Reach]]) -> Table | None:
    if not rows:
        return None
    table = _table((heading, "right"), ("calls", "right"), ("answered", "right"), ("", "right"))
    table.add_column("")
    for name, row in rows:
        bar = Bar(1.0, 0.0, row.reach, width=_BAR_WIDTH, color="cyan")
        table.add_row(name, str(row.calls), str(row.answered), f"{row.reach:.0%}", bar)
    return table


def _failures(figures: Figures) -> Table | None:
    if not figures.failures:
        return None
    table = plain_table("contacts", "cause", "what mends it")
    table.columns[0].justify = "right"
    for failure in figures.failures[:_MOST_SHOWN]:
        remedy = Text(failure.remedy, style="dim")
        table.add_row(str(failure.contacts), Text(failure.cause), remedy)
    return table


def _services(figures: Figures) -> Table | None:
    if not figures.services:
        return None
    names = ("requests", "failed", "retries", "mean", "half within", "95 % within")
    table = _table(("service", "left"), *((name, "right") for name in names))
    for row in figures.services[:_MOST_SHOWN]:
        counts = (row.requests, row.failures, row.retries)
        times = (row.mean_ms, row.p50_ms, row.p95_ms)
        table.add_row(Text(row.service), *map(str, counts), *map(_ms, times))
    return table


def _incidents(figures: Figures) -> Table | None:
    if not figures.incidents:
        return None
    table = plain_table("service", "since, UTC", "lasted", "what was seen")
    for row in figures.incidents[-_MOST_SHOWN:]:
        began = f"{row.opened_at:%Y-%m-%d %H:%M}"
        table.add_row(Text(row.service), began, _lasted(row), Text(one_line(row.error, 120)))
    return table


def _lasted(row: Outage) -> Text:
    if row.closed_at is None:
        return Text("still open", style="bold red")
    return Text(duration_text((row.closed_at - row.opened_at).total_seconds()))


def _ms(value: float | None) -> str:
    return "–" if value is None else duration_text(value / 1000)


def _table(*columns: tuple[str, str]) -> Table:
    table = plain_table(*(name for name, _ in columns))
    for column, (_, justify) in zip(table.columns, columns, strict=True):
        column.justify = "right" if justify == "right" else "left"
    return table


def _show_contacts(report: Report, terminal: Terminal) -> None:
    shown = list(islice(report.contact_rows(), _MOST_SHOWN))
    if shown:
        _section(terminal, "contacts", _contacts(report, shown, terminal.out.width))
    if (rest := report.figures.contact_count - len(shown)) > 0:
        more = f"… and {rest} more: --html FILE, --csv FILE or --json has them all"
        terminal.show(Text(more, style="dim"))


def _contacts(report: Report, rows: Iterable[ContactRow], width: int) -> Table:
    """One line a contact: in a narrow terminal without the number, the reason cut short."""
    is_wide = width >= _WIDE
    numbers = (("phone", "left"),) if is_wide else ()
    table = _table(
        ("contact", "left"),
        *numbers,
        ("state", "left"),
        ("calls", "right"),
        ("last call", "left"),
        ("due, UTC", "left"),
    )
    table.add_column("why", overflow="ellipsis", no_wrap=True, ratio=1)
    table.expand = width <= _WIDEST  # in a pipe nothing is cut
    for row in rows:
        name = row.contact.name or report.seen(row.contact.id)
        style = next((s for state, s in _STYLES.items() if state == row.state), "")
        table.add_row(
            Text(one_line(name, 40)),
            *([Text(report.phone(row))] if is_wide else []),
            Text(row.state.replace("_", " "), style=style),
            str(len(row.attempts)),
            Text((row.disposition or "–").replace("_", " ")),
            f"{row.next_at:%m-%d %H:%M}" if row.next_at else "–",
            Text(_why(report, row), style="dim"),
        )
    return table


def _why(report: Report, row: ContactRow) -> str:
    if row.state == ContactState.COMPLETED:
        return ""
    return one_line(report.seen(row.reason), 120)


def _show_rejected(report: Report, terminal: Terminal) -> None:
    rejected = list(islice(report.rejected_rows(), _MOST_SHOWN))
    if rejected:
        terminal.show(Text("\nrejected rows", style="bold"))
    for row in rejected:
        told = f"line {row.line}, {row.column or 'row'}: {row.reason}"
        terminal.show(Text(one_line(told), style="dim"))
    if (rest := report.figures.rejected_count - len(rejected)) > 0:
        terminal.show(Text(f"… and {rest} more", style="dim"))
