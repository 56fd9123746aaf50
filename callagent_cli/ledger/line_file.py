"""A file of checked JSON lines: append-only, fsynced, whole or not at all when it is replaced.

A torn last line is what a crash leaves, and is ignored.
"""

import errno
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from callagent_cli.ledger.folder import sync_folder

_APPEND = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW  # a missing file is an error
Entry = Mapping[str, object]


def replace(path: Path, entries: Iterable[Entry]) -> None:
    """It appears under its name only when it is whole. Raises OSError."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.writelines(map(_line, entries))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def append(path: Path, entry: Entry) -> None:
    """On the disk when this returns. Raises OSError."""
    line = _line(entry)
    handle = os.open(path, _APPEND)
    try:
        if not _ends_in_newline(handle):
            line = b"\n" + line  # close the line that a crash tore
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, "the line was cut short")
        os.fsync(handle)
    finally:
        os.close(handle)


def entries(path: Path) -> Iterator[dict[str, object]]:
    """Those that are whole. Raises OSError."""
    with path.open("rb") as file:
        for line in file:
            if (entry := parse(line)) is not None:
                yield entry


def parse(line: bytes) -> dict[str, object] | None:
    """The entry, or None for a line that was torn: cut short, so no JSON.

    A whole entry whose check is wrong is taken at its word: it then names a call that the
    ledger does not know, and refusing to go on is better than calling twice.
    """
    check, _, body = line.rstrip(b"\n").partition(b" ")
    try:
        is_sound = int(check, 16) == zlib.crc32(body)
        entry = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    return entry if is_sound or "attempt_id" in entry else None


def _line(entry: Entry) -> bytes:
    body = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode()
    return f"{zlib.crc32(body):08x} ".encode() + body + b"\n"


def _ends_in_newline(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
