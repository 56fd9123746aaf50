"""How campaigns stand, wherever the ledger is. Imports nothing slow for one in a file."""

from pathlib import Path

from callagent_cli.domain.clock import SystemClock
from callagent_cli.ledger import overview
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
        return ledger.overview()


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
