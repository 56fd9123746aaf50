"""A campaign's lines in the crontab of whoever asks; every other line stays byte for byte."""

import shlex
import subprocess
from collections.abc import Sequence

from callagent_cli.domain.errors import InputError
from callagent_cli.scheduling.job import Job
from callagent_cli.scheduling.times import DAYS, Slot

_PASTE = "or print the lines without --install, and paste them where your system keeps such jobs"


def lines(job: Job, slots: Sequence[Slot]) -> list[str]:
    """The block, from its first comment to its last."""
    log = shlex.quote(str(job.log))
    command = f"cd {shlex.quote(str(job.folder))} && {job.command} >>{log} 2>&1"
    escaped = command.replace("%", r"\%")  # cron takes a bare one for the end of the line
    return [
        f"# {job.name}: begin. callagent works through the campaign {job.campaign}.",
        f"# What it says is in {job.log}; to take it out: {job.removal}",
        *(f"{_when(slot)} {escaped}" for slot in slots),
        f"# {job.name}: end",
    ]


def install(job: Job, slots: Sequence[Slot]) -> None:
    """Put the block in, in the place of an older one."""
    _write(_without(_read(), job) + "\n".join(lines(job, slots)).encode() + b"\n")


def remove(job: Job) -> bool:
    """Take the block out; False when there was none."""
    before = _read()
    after = _without(before, job)
    if after == before:
        return False
    _write(after)
    return True


def _when(slot: Slot) -> str:
    days = "*" if slot.days == DAYS else ",".join(slot.days)
    return f"{_joined(slot.minutes)} {_joined(slot.hours)} * * {days}"


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _without(table: bytes, job: Job) -> bytes:
    begin, end = f"# {job.name}: begin".encode(), f"# {job.name}: end".encode()
    kept, is_ours = [], False
    for line in table.splitlines(keepends=True):
        is_ours = is_ours or line.startswith(begin)
        if not is_ours:
            kept.append(line)
        if line.startswith(end):
            is_ours = False
    table = b"".join(kept)
    return table if not table or table.endswith(b"\n") else table + b"\n"


def _read() -> bytes:
    done = _crontab("-l")
    if done.returncode and b"no crontab" not in done.stderr.lower():
        raise _refused(done)
    return b"" if done.returncode else done.stdout


def _write(table: bytes) -> None:
    done = _crontab("-", table)
    if done.returncode:
        raise _refused(done)


def _crontab(word: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["crontab", word], input=given, capture_output=True, check=False, timeout=30
        )
    except FileNotFoundError:
        raise InputError(
            "there is no `crontab` on this machine",
            hint=f"install cron, use --systemd, {_PASTE}",
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"`crontab {word}` could not be run: {error}", hint=_PASTE) from None


def _refused(done: subprocess.CompletedProcess[bytes]) -> InputError:
    said = done.stderr.decode(errors="replace").strip() or f"it ended with {done.returncode}"
    return InputError(f"crontab refused: {said}", hint=_PASTE)
