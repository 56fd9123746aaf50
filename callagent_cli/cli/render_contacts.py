"""A checked contacts file on a terminal."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from callagent_cli.cli.tables import plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.domain.text import one_line
from callagent_cli.intake.contacts import ContactsFile
from callagent_cli.intake.examination import Examination, Suggestion
from callagent_cli.intake.meaning import columns_of

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
_SHOWN_ROWS = 20


def render_contacts(file: ContactsFile, found: Examination, terminal: Terminal) -> None:
    terminal.show(Text(file.name, style="bold"), Text(how_read(file), style="dim"))
    _show_columns(file, terminal)
    terminal.show(Text(f"\n{_counts(found)}"))
    unit, counts = file.table.unit, found.counts
    _show_first(found.first, unit, terminal)
    _show_rows("rejected", found.rejected, counts.rejected, unit, terminal)
    _show_rows("duplicates", found.duplicates, counts.duplicates, unit, terminal)
    _show_suggestions(found.suggestions, terminal)


def how_read(file: ContactsFile) -> str:
    form, header = file.table.form, f"header in {file.table.unit} {file.header_line}"
    if form.sheet:
        return f"{form.kind}, {header}"
    between = _DELIMITERS.get(form.delimiter, repr(form.delimiter))
    return f"{form.kind} in {form.encoding}, {between} between cells, {header}"


def _show_columns(file: ContactsFile, terminal: Terminal) -> None:
    table = plain_table("", "column", "read as", "")
    for column in columns_of(file.table, file.header):
        name = column.name or "-"
        table.add_row(column.place, column.spelled, Text(name, style="bold"), column.meaning)
    terminal.show(table)


def _counts(found: Examination) -> str:
    counts = found.counts
    told = {
        "contacts": counts.contacts,
        "rejected rows": counts.rejected,
        "duplicates": counts.duplicates,
        "empty rows": counts.empty,
    }
    said = [f"{n:,} {what[:-1] if n == 1 else what}" for what, n in told.items() if n]
    return ", ".join(said)


def _show_first(contacts: Sequence[Contact], unit: str, terminal: Terminal) -> None:
    if not contacts:
        return
    table = plain_table("first", "number", "as they are understood")
    for contact in contacts:
        told = "  ".join(_facts(contact))
        table.add_row(f"{unit} {contact.line}", contact.phone, Text(told))
    terminal.show(table)


def _facts(contact: Contact) -> Iterator[str]:
    if contact.id != contact.phone:
        yield f"id={contact.id}"
    own = {
        "name": contact.name,
        "email": contact.email,
        "language": contact.language,
        "timezone": contact.timezone,
        "consent": {True: "yes", False: "no", None: ""}[contact.consent],
    }
    for name, value in {**own, **contact.variables}.items():
        if value:
            yield f"{name}={one_line(value, 40)}"


def _show_rows(
    what: str, rows: Sequence[RejectedRow], counted: int, unit: str, terminal: Terminal
) -> None:
    if not rows:
        return
    table = plain_table(what, "column", "value", "reason and fix")
    for row in rows[:_SHOWN_ROWS]:
        told = Text(f"{row.reason}; {row.fix}")
        table.add_row(f"{unit} {row.line}", row.column, one_line(row.value, 40), told)
    terminal.show(Text(""), table)
    if counted > _SHOWN_ROWS:
        terminal.show(Text(f"and {counted - _SHOWN_ROWS:,} more", style="dim"))


def _show_suggestions(suggestions: Sequence[Suggestion], terminal: Terminal) -> None:
    if suggestions:
        terminal.show(Text("\nto make it better", style="bold"))
    for suggestion in suggestions:
        terminal.show(Text(f"- {suggestion.what}\n    {suggestion.fix}"))
