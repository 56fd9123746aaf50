"""A file that others read while it is written anew: the old one or the new one, never half."""

import errno
import os
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def replace_file(path: Path, content: bytes, *, mode: int, is_durable: bool = True) -> None:
    """mode: its rights, whatever the umask. is_durable: on the disk when this returns. Raises
    OSError, which names `path`; the old file then stands."""
    try:
        _replace(path, content, mode, is_durable=is_durable)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _replace(path: Path, content: bytes, mode: int, *, is_durable: bool) -> None:
    if path.exists() and not path.is_file():  # a device would become a file
        raise OSError(errno.EINVAL, "it is no regular file")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, _FLAGS, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            if is_durable:
                os.fsync(handle)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
