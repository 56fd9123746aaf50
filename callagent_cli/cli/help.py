"""`callagent help [TOPIC]`: the reference on a terminal."""

from rich.table import Table as Grid
from rich.text import Text

from callagent_cli.cli.options import Common
from callagent_cli.cli.reference.page import Page, Table
from callagent_cli.cli.reference.topics import TOPICS, page_of
from callagent_cli.cli.terminal import Terminal


def show(topic: str, common: Common) -> int:
    terminal = Terminal.of(common)
    if not topic:
        terminal.show(_contents())
        return 0
    page = page_of(topic)
    terminal.show(Text(page.title, style="bold"), Text(page.about), *_grids(page))
    return 0


def _contents() -> Grid:
    grid = Grid(box=None, show_header=False, padding=(0, 2, 0, 0))
    for topic, make in TOPICS.items():
        grid.add_row(Text(f"callagent help {topic}"), Text(make().title, style="dim"))
    grid.add_row(Text("callagent COMMAND --help"), Text("one command, with examples", style="dim"))
    return grid


def _grids(page: Page) -> list[Text | Grid]:
    shown: list[Text | Grid] = []
    for table in page.tables:
        if table.title:
            shown.append(Text(f"\n{table.title}", style="bold"))
        shown.append(_grid(table))
    return shown


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, show_header=False, padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    for _ in table.columns[1:]:
        grid.add_column(overflow="fold")
    for name, *about in table.rows:
        short = name.removeprefix(f"{table.title}.")  # the title says it
        grid.add_row(Text(short), *(Text(cell, style="dim") for cell in about))
    return grid
