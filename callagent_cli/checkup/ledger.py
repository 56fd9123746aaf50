"""The ledger: whose it is, whether it is whole, what waits in it for a person."""

from collections.abc import Iterator

from callagent_cli import wiring
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Note, ok, problem, warning
from callagent_cli.config.settings import Settings
from callagent_cli.domain.errors import LedgerError, LedgerOutdated
from callagent_cli.ledger.overview import Overview
from callagent_cli.ledger.peek import peek_overview
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
    place = case.settings.place
    if found := peek_overview(place.state_dir, name=place.ledger_name, url=place.url):
        yield from _waiting(found)
    yield ok(ROOM, "whole, and its dial journal agrees with it")


def _waiting(found: Overview) -> Iterator[Note]:
    if found.run is not None:
        what = f"a run of {found.run.campaign or 'a person'} is on: another one is turned away"
        yield warning(ROOM, what, "wait for its end: `callagent status --watch`")
    for hold in found.holds:
        tell = problem if hold.service == "elevenlabs" else warning
        yield tell(ROOM, f"{hold.service} is {hold}", f"`callagent breaker close {hold.service}`")
    if in_doubt := sum(row.in_doubt for row in found.campaigns):
        what = f"{in_doubt} in doubt: those numbers are not called until you decide"
        yield warning(ROOM, what, "`callagent review`, then `callagent resolve ATTEMPT`")
    if dead := sum(found.dead_to.values()):
        yield warning(ROOM, f"{dead} messages were given up", "`callagent deliveries list`")


def ledger_to_read(settings: Settings) -> Ledger | None:
    """For the caller to close. None without one, and for one that `look` finds fault with."""
    try:
        return wiring.read_ledger_if_any(settings)
    except LedgerError:
        return None
