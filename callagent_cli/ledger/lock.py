"""The run's lock: the kernel frees it on any death of the process that holds it."""

import fcntl
import os
from pathlib import Path

_LOOKS = 1000  # glances of `status` that may be in the way, each for microseconds


def take_lock(lock_path: Path) -> int | None:
    """An open file that holds the run's lock until it is closed; None when a run has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(lock_path, flags, 0o600)
    try:
        for _ in range(_LOOKS):
            if _lock(handle, fcntl.LOCK_EX):
                return handle
            if not _lock(handle, fcntl.LOCK_SH):  # only a run keeps others from looking
                break
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.sched_yield()
    except OSError:
        os.close(handle)
        raise
    os.close(handle)
    return None


def is_held(lock_path: Path) -> bool:
    """Whether a run is on, asked without being in its way."""
    try:
        handle = os.open(lock_path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _lock(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
