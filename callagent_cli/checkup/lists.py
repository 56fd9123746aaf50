"""The do-not-call lists: there, and not too old."""

from collections.abc import Iterator

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.ledger import ledger_to_read
from callagent_cli.checkup.note import Note, ok, problem, warning

ROOM = "do-not-call"
_IMPORT = "`callagent dnc import FILE --name NAME`"


def look(case: Case) -> Iterator[Note]:
    ledger = ledger_to_read(case.settings)
    try:
        lists = ledger.number_lists() if ledger else []
        found = wiring.list_problems_of(case.settings, ledger)
    finally:
        if ledger:
            ledger.close()
    for one in found:
        tell = problem if one.is_blocking else warning
        yield tell(ROOM, one.what, f"bring it up to date: {_IMPORT}")
    if found:
        return
    if not lists:
        what = "no list was imported: only who was added by hand or asked in a call is left alone"
        yield warning(ROOM, what, f"if a registry covers your numbers: {_IMPORT}")
        return
    said = ", ".join(f"{one.name} of {one.as_of} ({one.numbers:,} numbers)" for one in lists)
    yield ok(ROOM, said)
