"""`callagent dnc …`: signatures and help only."""

from pathlib import Path
from typing import Annotated

import typer

from callagent_cli.cli.options import Common
from callagent_cli.cli.shared_options import AsJson, ShowPii

Phones = Annotated[list[str], typer.Argument(metavar="PHONE...", help="any usual spelling")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="you; kept with the number")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="kept with the number")]


def add_numbers(phones: Phones, reason: Reason = "", by: By = "", *, common: Common) -> int:
    """Put numbers on the do-not-call list; no campaign calls them.

    Also while a run is on: nobody is dialled after it.

    \b
    Examples:
      callagent dnc add "+1 202 555 0101"
      callagent dnc add 2025550102 --reason "asked by mail" --by Kim

    \b
    Exit statuses:
      0  on the list
      2  no phone number
    """
    from callagent_cli.cli.dnc import add

    return add(phones, reason=reason, by=by, common=common)


def remove_number(
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="any usual spelling")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="you; logged")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="why; logged")],
    *,
    common: Common,
) -> int:
    """Take a number off the do-not-call list, by a named person.

    Off every imported list, too; the next import of such a list puts it back.

    \b
    Example:
      callagent dnc remove 2025550101 --by Kim --reason "asked to be called again"

    \b
    Exit statuses:
      0  taken off
      2  not on the list
    """
    from callagent_cli.cli.dnc import remove

    return remove(phone, by=by, reason=reason, common=common)


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a number a line, or a CSV")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="default: the file's stem")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="of the list; default: today")
    ] = None,
    *,
    common: Common,
) -> int:
    """Import a do-not-call list, or a newer one of the same name.

    Lines that hold no number are told and left out.

    \b
    Example:
      callagent dnc import national.txt --as-of 2026-11-01

    \b
    Exit statuses:
      0  imported
      2  a file that cannot be read, no number in it, or no date
    """
    from callagent_cli.cli.dnc import import_list

    return import_list(file, name=name, as_of=as_of, common=common)


def list_numbers(
    as_json: AsJson = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="every number; new file")
    ] = None,
    show_pii: ShowPii = False,
    *,
    common: Common,
) -> int:
    """Show the do-not-call list: its sources and their age.

    \b
    Examples:
      callagent dnc list
      callagent dnc list --json

    \b
    Exit statuses:
      0  shown
      2  a ledger that cannot be read
    """
    from callagent_cli.cli.dnc import show_list

    return show_list(as_json=as_json, csv_path=csv, show_pii=show_pii, common=common)
