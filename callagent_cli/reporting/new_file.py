"""A file that was not there before: the owner's alone, whole or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path

from callagent_cli.domain.errors import InputError

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def refuse_existing(path: Path) -> None:
    """Say so before the work begins. Raises InputError."""
    if path.exists() or path.is_symlink():
        raise _exists(path)


def write_new(path: Path, pieces: Iterable[str]) -> None:
    """Raises InputError when the file exists or cannot be written; nothing half stays behind."""
    try:
        handle = os.open(path, _FLAGS, 0o600)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritable(path, error) from None
    except BaseException:  # Ctrl-C, or the ledger failed
        path.unlink(missing_ok=True)
        raise


def _exists(path: Path) -> InputError:
    return InputError(f"{path} exists", hint="choose another name: nothing is overwritten")


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written: {error.strerror}",
        hint="choose a folder that exists and that you may write to, with room left",
    )
