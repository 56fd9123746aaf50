"""What a checkup found, for people."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from callagent_cli.checkup.note import Level, Note
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.text import one_line

_SIGNS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("✓ ok", "green"),
    Level.WARNING: ("! warning", "yellow"),
    Level.PROBLEM: ("✗ problem", "bold red"),
}


def render_doctor(notes: Sequence[Note], terminal: Terminal) -> None:
    """One row a finding, its fix below it; last the count. One line a finding when piped."""
    if terminal.out.is_terminal:
        terminal.show(_table(notes), Text(f"\n{verdict(notes)}"))
    else:
        terminal.show(Text("\n".join([*map(_line, notes), verdict(notes)])), soft_wrap=True)


def _line(note: Note) -> str:
    fix = f" → {one_line(note.fix, 500)}" if note.fix else ""
    return f"{note.level.value}: {note.room}: {one_line(note.what, 500)}{fix}"


def _table(notes: Sequence[Note]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for note in notes:
        sign, style = _SIGNS[note.level]
        table.add_row(Text(sign, style=style), Text(note.room, style="bold"), _said(note))
    return table


def _said(note: Note) -> Text:
    said = Text(one_line(note.what, 500))
    if note.fix:
        said.append(f"\n→ {one_line(note.fix, 500)}", style="cyan")
    return said


def verdict(notes: Sequence[Note]) -> str:
    count = Counter(note.level for note in notes)
    problems, warnings = count[Level.PROBLEM], count[Level.WARNING]
    said = f"{_of(problems, 'problem')}, {_of(warnings, 'warning')}, {count[Level.OK]} in order"
    return f"{said}: mend what is a problem before the first run" if problems else said


def _of(n: int, word: str) -> str:
    return f"{n or 'no'} {word}{'s' if n != 1 else ''}"
