"""The ledger: whose it is, whether it is whole, what waits in it for a person."""

from collections.abc import Iterator

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Note, ok, warning
from callagent_cli.config.settings import Settings
from callagent_cli.domain.errors import LedgerError, LedgerOutdated
from callagent_cli.ledger.store import Ledger

ROOM = "ledger"


def look(case: Case) -> Iterator[Note]:
    """Raises LedgerError for one that cannot be trusted."""
    try:
        ledger = wiring.read_ledger_if_any(case.settings)
    except LedgerOutdated as error:
        yield warning(ROOM, error.message, error.hint)
        return
    if ledger is None:
        yield ok(ROOM, "none yet: the first run makes it")
        return
    with ledger:
        ledger.check_whole()
        yield from _waiting(ledger, case)
    yield ok(ROOM, "whole, and its dial journal agrees with it")


def _waiting(ledger: Ledger, case: Case) -> Iterator[Note]:
    running = [row.campaign for row in ledger.campaigns(case.clock.now()) if row.is_running]
    if running:
        what = f"a run of {', '.join(running)} is on: another one would be turned away"
        yield warning(ROOM, what, "wait for its end: `callagent status`")
    if in_doubt := len(ledger.in_doubt()):
        what = f"{in_doubt} in doubt: those numbers are not called until you decide"
        yield warning(ROOM, what, "`callagent review`, then `callagent resolve ATTEMPT`")
    if dead := sum(ledger.owed_by_destination("dead").values()):
        yield warning(ROOM, f"{dead} messages were given up", "`callagent deliveries list`")


def ledger_to_read(settings: Settings) -> Ledger | None:
    """For the caller to close. None without one, and for one that `look` finds fault with."""
    try:
        return wiring.read_ledger_if_any(settings)
    except LedgerError:
        return None
