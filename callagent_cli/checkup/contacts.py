"""The contacts: rows that cannot be used, and people who would never be called."""

from collections.abc import Iterator

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Note, ok, problem, warning

ROOM = "contacts"


def look(case: Case) -> Iterator[Note]:
    """Waits until they are read."""
    if case.file is None:
        fix = "give `callagent doctor CONTACTS`"
        yield warning(ROOM, "none given: columns, numbers and credits are not compared", fix)
        return
    yield from _columns(case)
    crowd = case.crowd()
    if crowd is None:
        return
    see = f"`callagent contacts check {case.contacts_typed}`"
    if crowd.rejected:
        yield warning(ROOM, f"{crowd.rejected:,} rows cannot be used", f"{see} says which and why")
    if crowd.left_out:
        what = f"{crowd.left_out:,} would not be called, most for: {crowd.left_out_why}"
        tell = problem if crowd.left_out == crowd.contacts else warning
        yield tell(ROOM, what, f"`callagent plan {case.contacts_typed}` shows them")
    if crowd.contacts == 0:
        yield problem(ROOM, "no row can be used", see)
    else:
        yield ok(ROOM, f"{crowd.contacts:,} contacts, {crowd.to_call:,} of them to be called now")


def _columns(case: Case) -> Iterator[Note]:
    """What the texts of the config name, and no column gives."""
    columns = case.file.columns if case.file else ()
    if absent := sorted(set(wiring.needs_of(case.settings).variables) - set(columns)):
        what = f"no column gives {', '.join(absent)}, which the LLM's fallback names"
        yield warning(ROOM, what, "add the columns, or map them in campaign.columns")
