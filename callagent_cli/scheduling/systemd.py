"""A campaign as a service and a timer of systemd, of whoever asks and not of the whole machine."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from callagent_cli.domain.errors import InputError
from callagent_cli.scheduling.job import Job
from callagent_cli.scheduling.times import DAYS, Slot


def units(job: Job, slots: Sequence[Slot]) -> dict[str, str]:
    """File name → text."""
    about = f"callagent works through the campaign {job.campaign}"
    removal = f"# To take it out: {job.removal} --systemd"
    service = [
        removal,
        "[Unit]",
        f"Description={_escaped(about)}",
        "",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={_escaped(str(job.folder))}",
        f"ExecStart={' '.join(_quoted(word) for word in job.words)}",
        "# 3, 4, 6: some failed, contacts left, calls in doubt; 75: another run is on",
        "SuccessExitStatus=3 4 6 75",
        f"StandardOutput=append:{_escaped(str(job.log))}",
        f"StandardError=append:{_escaped(str(job.log))}",
    ]
    timer = [
        removal,
        "[Unit]",
        f"Description={_escaped(about)}",
        "",
        "[Timer]",
        *(f"OnCalendar={_when(slot)}" for slot in slots),
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return {
        f"{job.name}.service": "\n".join(service) + "\n",
        f"{job.name}.timer": "\n".join(timer) + "\n",
    }


def install(job: Job, slots: Sequence[Slot], environ: Mapping[str, str]) -> list[Path]:
    """Write the units and start the timer; returns the files."""
    folder = _folder(environ)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units(job, slots).items():
            draft = folder / f".{name}.draft"
            draft.write_text(text, encoding="utf-8")
            draft.replace(folder / name)
            written.append(folder / name)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from None
    _systemctl("daemon-reload")
    _systemctl("enable", "--now", f"{job.name}.timer")
    return written


def remove(job: Job, environ: Mapping[str, str]) -> bool:
    """False when there was none."""
    files = [_folder(environ) / f"{job.name}.{kind}" for kind in ("timer", "service")]
    if not any(file.exists() for file in files):
        return False
    _systemctl("disable", "--now", f"{job.name}.timer")
    for file in files:
        file.unlink(missing_ok=True)
    _systemctl("daemon-reload")
    return True


def _folder(environ: Mapping[str, str]) -> Path:
    if base := environ.get("XDG_CONFIG_HOME"):
        return Path(base) / "systemd" / "user"
    if home := environ.get("HOME"):
        return Path(home) / ".config" / "systemd" / "user"
    raise InputError("where is your home? HOME is not set", hint="set it, then give this again")


def _when(slot: Slot) -> str:
    days = "" if slot.days == DAYS else ",".join(day.capitalize() for day in slot.days) + " "
    hours, minutes = (
        ",".join(f"{n:02d}" for n in numbers) for numbers in (slot.hours, slot.minutes)
    )
    return f"{days}*-*-* {hours}:{minutes}:00"


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    """As systemd.service(5) has it: no shell, `%` and `$` doubled."""
    text = _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{text}"'


def _systemctl(*words: str) -> None:
    command = ["systemctl", "--user", *words]
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=60, env=dict(os.environ)
        )
    except FileNotFoundError:
        raise InputError(
            "there is no `systemctl` on this machine", hint="leave --systemd out: cron does it too"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"`{' '.join(command)}` could not be run: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise InputError(
            f"`{' '.join(command)}` refused: {said}",
            hint="log in as the user who is to run it, or leave --systemd out: cron does it too",
        )
