"""`ledger copy`: from the file to a server, or back."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import InputError
from callagent_cli.ledger import copying, identity, server
from callagent_cli.ledger.copying import CopiedTable
from callagent_cli.ledger.database import Database
from callagent_cli.ledger.files import files_of
from callagent_cli.ledger.folder import put_aside, sync_folder
from callagent_cli.ledger.store import Ledger


def to_server(
    state_dir: Path, url: str, *, name: str, clock: Clock, run_id: str
) -> list[CopiedTable]:
    """The file's ledger goes to a server. Raises LedgerBusy while a run is on."""
    path, _, _ = files_of(state_dir, name)
    if not path.exists():
        raise InputError(f"there is no ledger {path} to move", hint="go to the campaign's folder")
    with (
        Ledger.open(state_dir, name=name, clock=clock, left_behind=True) as ledger,
        ledger.hold("moving", run_id) as lease,
        closing(server.opened_to_move_in(url, path)) as target,
    ):
        told = _moved(ledger.database, target)
        lease.finish(0)
    return told


def to_file(
    state_dir: Path, url: str, *, name: str, clock: Clock, run_id: str
) -> list[CopiedTable]:
    """The server's ledger comes to this folder. Raises LedgerBusy while anybody is at work."""
    path, _, _ = files_of(state_dir, name)
    with (
        Ledger.open(state_dir, name=name, clock=clock, url=url, left_behind=True) as ledger,
        ledger.hold("moving", run_id) as lease,
    ):
        with _draft(path, clock.now()) as target:
            told = _moved(ledger.database, target)
        lease.finish(0)
    return told


def _moved(source: Database, target: Database) -> list[CopiedTable]:
    """Closed first: from here on nobody dials from the source, unless it was open before and the
    target is empty for certain."""
    was_closed = identity.moved_to(source)
    copying.close(source, target.where)
    try:
        return copying.copy(source, target)
    except copying.NotMoved:
        if not was_closed:
            copying.reopen(source)
        raise


@contextmanager
def _draft(path: Path, now: datetime) -> Iterator[Database]:
    """A ledger that gets its name when it is whole; the one that was left behind is put aside."""
    if path.exists():
        _require_left_behind(path)
    draft = identity.write_draft(path)
    try:
        database = Database(draft, is_draft=True)
        database.where = str(path)
        try:
            yield database
        finally:
            database.close()
        put_aside(path, f"moved-{now:%Y%m%d-%H%M%S-%f}")
        draft.replace(path)
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _require_left_behind(path: Path) -> None:
    old = Database(path, is_readonly=True)
    try:
        moved_to = identity.moved_to(old)
    finally:
        old.close()
    if not moved_to:
        raise InputError(
            f"{path} is a ledger of its own",
            hint="move it away first, or copy in a folder without one",
        )
