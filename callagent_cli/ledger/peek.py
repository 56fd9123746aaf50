"""How campaigns stand, wherever the ledger is. Imports nothing slow for one in a file."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger import overview
from callagent_cli.ledger.fleet_records import FleetNow
from callagent_cli.ledger.overview import Overview, RunEnd


def peek_overview(
    state_dir: Path, *, name: str = "ledger", url: str | None = None
) -> Overview | None:
    """None where nobody was ever about to be called. Raises LedgerError.

    url: of the server that has the ledger.
    """
    if url is None:
        return overview.peek_overview(state_dir, name=name)
    from callagent_cli.ledger.store import Ledger

    if not Ledger.exists(state_dir, name=name, url=url):
        return None
    with Ledger.open_readonly(state_dir, name=name, clock=SystemClock(), url=url) as ledger:
        found = ledger.overview()
        with suppress(LedgerError):  # made before there were fleets: the next run equips it
            found = _with_fleet(found, ledger.fleet().now())
        return found


def _with_fleet(found: Overview, fleet: FleetNow) -> Overview:
    """Several campaigns may be worked on at once."""
    at_work = {member.campaign for member in fleet.members}
    rows = [
        replace(row, is_running=row.is_running or row.campaign in at_work)
        for row in found.campaigns
    ]
    return replace(found, campaigns=rows, fleet=fleet)


def peek_end(
    state_dir: Path, run_id: str, *, name: str = "ledger", url: str | None = None
) -> RunEnd | None:
    """How a run ended; None for one that has not said so. Raises sqlite3.Error, LedgerError."""
    if url is None:
        return overview.peek_end(state_dir, run_id, name=name)
    from callagent_cli.ledger.store import Ledger

    with Ledger.open_readonly(state_dir, name=name, clock=SystemClock(), url=url) as ledger:
        row = ledger.run(run_id)
    return RunEnd(row.exit_status) if row is not None and row.ended_at is not None else None
