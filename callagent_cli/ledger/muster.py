"""Who of this host's own is at work: a file each, which the kernel holds while its process lives.

A process that was killed is known as dead by the next one in the same state_dir, at once; what
only sleeps is not. Other hosts wait until its heartbeat has been missing for long enough.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.lock import is_held, take_lock

_SUFFIX = ".lock"


def folder_of(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.stem}.crew")


def sign_on(folder: Path, run_id: str) -> int:
    """An open file that says so until it is closed. Raises LedgerError."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = take_lock(folder / f"{run_id}{_SUFFIX}")
    except OSError as error:
        raise LedgerError(
            f"{folder} cannot be written: {error.strerror}",
            hint="free disk space or mend the folder's rights",
        ) from None
    if handle is None:
        raise LedgerError(f"{run_id} is at work already", hint="start the same command again")
    return handle


def sign_off(folder: Path, run_id: str, handle: int) -> None:
    with suppress(OSError):
        (folder / f"{run_id}{_SUFFIX}").unlink()
    os.close(handle)


def fallen(folder: Path) -> Iterator[str]:
    """run_ids of processes that signed on here, never signed off, and are gone."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        if not is_held(path):
            yield path.stem


def strike_off(folder: Path, run_id: str) -> None:
    with suppress(OSError):
        (folder / f"{run_id}{_SUFFIX}").unlink()
