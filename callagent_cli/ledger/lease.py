"""One run at a time: the lock that the kernel frees on any death, and the row that says who."""

import fcntl
import os
import socket
from pathlib import Path

from sqlalchemy import insert, select, update

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import LedgerBusy
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.schema import runs

_TRIES, _PAUSE_S = 4, 0.05


class RunLease:
    """Held from `hold` to the end of the with block."""

    def __init__(self, database: Database, lock_path: Path, clock: Clock) -> None:
        self._database, self._lock_path, self._clock = database, lock_path, clock
        self._handle: int | None = None
        self._run_id = ""
        self._exit_status: int | None = None

    def take(self, campaign: str, run_id: str) -> None:
        handle = self._lock()
        if handle is None:
            raise self._busy()
        self._handle, self._run_id = handle, run_id
        now = stamp(self._clock.now())
        with self._database.transaction() as connection:
            connection.execute(
                insert(runs).values(
                    run_id=run_id,
                    campaign=campaign,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    started_at=now,
                    heartbeat_at=now,
                )
            )

    def _lock(self) -> int | None:
        """Somebody who only asks whether a run is on has the lock for an instant: ask again."""
        pause = self._clock.signal()
        for _ in range(_TRIES):
            if (handle := try_lock(self._lock_path)) is not None:
                return handle
            pause.wait(_PAUSE_S)
        return None

    def heartbeat(self) -> None:
        self._note(heartbeat_at=stamp(self._clock.now()))

    def finish(self, exit_status: int) -> None:
        """Say how the run ended; the lock goes with the with block."""
        self._note(ended_at=stamp(self._clock.now()), exit_status=exit_status)

    def __enter__(self) -> "RunLease":
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _note(self, **values: str | int) -> None:
        with self._database.transaction() as connection:
            connection.execute(update(runs).where(runs.c.run_id == self._run_id).values(values))

    def _busy(self) -> LedgerBusy:
        with self._database.reading() as connection:
            row = connection.execute(
                select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at.desc())
            ).first()
        who = (
            f"campaign {row.campaign}, process {row.pid} on {row.host}, "
            f"since {row.started_at[:19]} UTC"
            if row
            else "a run that has just begun"
        )
        return LedgerBusy(
            f"another run holds the ledger: {who}",
            hint="wait for it to end, or look at it with `callagent status`",
        )


def try_lock(lock_path: Path) -> int | None:
    """A file descriptor that holds the lock until it is closed; None when another holds it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(lock_path, flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_held(lock_path: Path) -> bool:
    """Whether a run is on, asked without taking its lock."""
    try:
        handle = os.open(lock_path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
