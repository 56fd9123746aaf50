"""The folder that ledger, journal and lock live in: ours, writable, local, with room."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callagent_cli.domain.errors import LedgerError

ENOUGH_BYTES = 50_000_000
_MOUNTS = Path("/proc/self/mounts")  # Linux; elsewhere nothing is asked
# where locks and syncs of another machine cannot be relied on
_SHARED = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "davfs", "glusterfs"}


def prepare_folder(state_dir: Path, *, enough_bytes: int = ENOUGH_BYTES) -> None:
    """Make the folder if need be, and see that it can be written and relied on."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = state_dir / f".probe-{uuid.uuid4().hex}"
        probe.touch(mode=0o600)
        probe.unlink()
        free = shutil.disk_usage(state_dir).free
        kind = mounted_as(state_dir)
    except OSError as error:
        raise LedgerError(
            f"the state_dir {state_dir} cannot be written: {error.strerror}",
            hint="choose another `state_dir` in config.yml, or mend the folder's rights",
        ) from None
    if free < enough_bytes:
        raise LedgerError(
            f"only {free // 1_000_000} MB are free in {state_dir}",
            hint=f"free at least {enough_bytes // 1_000_000} MB: the intent to dial must fit",
        )
    if kind:
        raise LedgerError(
            f"the state_dir {state_dir} is on a network file system ({kind})",
            hint="choose a `state_dir` on this machine's own disk: locks must hold",
        )


def network_kind(folder: Path, mounts: str) -> str:
    """The kind of network file system that a folder is on, empty for a local one.

    mounts: as /proc/self/mounts; blanks in it are written `\\040`.
    """
    kinds = {}
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) > 2:
            kinds[Path(words[1].replace("\\040", " "))] = words[2]
    for place in (folder, *folder.parents):
        if place in kinds:
            kind = kinds[place]
            return kind if kind in _SHARED or kind.startswith("fuse.sshfs") else ""
    return ""


def mounted_as(folder: Path) -> str:
    """As `network_kind`, by what is mounted now."""
    mounts = _MOUNTS.read_text(errors="replace") if _MOUNTS.exists() else ""
    return network_kind(folder.resolve(), mounts)


def can_lock(folder: Path) -> bool:
    """Whether the file system keeps locks; a lock of somebody else shows that it does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let one process at a time make or mend files here; the kernel frees it on any death."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Put the names in it on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_aside(ledger: Path, mark: str) -> None:
    """Give a ledger's files, which nobody has open, other names; nothing is deleted."""
    for suffix in ("", "-wal", "-shm"):
        file = ledger.with_name(ledger.name + suffix)
        if file.exists():
            file.replace(file.with_name(f"{file.name}.{mark}"))
