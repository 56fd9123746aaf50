"""Small parts that several screens are made of."""

from collections.abc import Mapping

from rich.table import Table


def plain_table(*headings: str) -> Table:
    """Columns without lines; long cells fold, none is lost."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def counts_text(counts: Mapping[str, int]) -> str:
    """`12 completed, 2 no answer`: most frequent first; nothing that is zero."""
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in frequent if n)
