"""The folders that a run writes to: room, rights, locks. Nothing is written to find out."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Note, ok, problem, warning
from callagent_cli.ledger.folder import ENOUGH_BYTES, can_lock, mounted_as

ROOM = "disk"
_AMPLE_BYTES = 1_000_000_000


def look(case: Case) -> Iterator[Note]:
    settings = case.settings
    folders = {"state_dir": settings.state_dir, "logging.path": settings.logging.path.parent}
    if settings.metrics_file is not None:
        folders["metrics_file"] = settings.metrics_file.parent
    faults = [note for key, folder in folders.items() for note in _unwritable(key, folder)]
    faults += _log(settings.logging.path)
    faults += _too_small(_standing(settings.state_dir))
    faults += _unreliable(_standing(settings.state_dir))
    yield from faults
    if not faults:
        free = shutil.disk_usage(_standing(settings.state_dir)).free
        yield ok(ROOM, f"{free // 1_000_000:,} MB free; ledger and log can be written and locked")


def _unwritable(key: str, folder: Path) -> Iterator[Note]:
    place = _standing(folder)
    if not place.is_dir():
        yield problem(ROOM, f"{key}: {place} is no folder", f"choose another {key} in config.yml")
    elif not os.access(place, os.W_OK | os.X_OK):
        fix = f"`chmod u+rwx {place}`, or choose another {key} in config.yml"
        yield problem(ROOM, f"{key}: {place} cannot be written by this user", fix)


def _log(path: Path) -> Iterator[Note]:
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        yield problem(ROOM, f"the log {path} cannot be written", f"`chmod u+rw {path}`")


def _too_small(place: Path) -> Iterator[Note]:
    free = shutil.disk_usage(place).free
    if ENOUGH_BYTES <= free < _AMPLE_BYTES:
        what = f"only {free // 1_000_000} MB are free in {place}"
        yield warning(ROOM, what, "make room: `du -xh / | sort -h | tail`")
    elif free < ENOUGH_BYTES:
        what = f"only {free // 1_000_000} MB are free in {place}: no run begins"
        yield problem(ROOM, what, f"free at least {ENOUGH_BYTES // 1_000_000} MB")


def _unreliable(place: Path) -> Iterator[Note]:
    own = "choose a `state_dir` on this machine's own disk: locks must hold"
    if kind := mounted_as(place):
        yield problem(ROOM, f"state_dir: {place} is on a network file system ({kind})", own)
    elif place.is_dir() and os.access(place, os.R_OK) and not can_lock(place):
        yield problem(ROOM, f"state_dir: {place} is on a disk that keeps no locks", own)


def _standing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: a run makes the rest."""
    return next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))
