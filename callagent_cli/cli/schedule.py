"""`callagent schedule`: a campaign started by cron or by a systemd timer."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.run import campaign_name
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.calling_window import Window
from callagent_cli.config.settings import Settings
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.source import ContactsPath, Source, Stdin, source_of
from callagent_cli.scheduling import crontab, systemd
from callagent_cli.scheduling.job import Job
from callagent_cli.scheduling.times import Slot, read_times


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with the schedule."""

    at: tuple[str, ...]
    is_installed: bool
    is_removed: bool
    is_systemd: bool
    is_json: bool


def schedule(contacts: str, campaign: str | None, order: Order, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    job = _job(source_of(contacts), campaign, settings)
    if order.is_removed:
        return _remove(job, order, terminal)
    slots = _slots(order.at)
    for warning in _warnings(settings, slots):
        terminal.warn(f"warning: {warning}")
    if order.is_installed:
        _install(job, slots, order, terminal)
    _show(job, slots, order, terminal)
    return 0


def _job(source: Source, campaign: str | None, settings: Settings) -> Job:
    if isinstance(source, Stdin):
        raise InputError("nobody types contacts for cron", hint="name a file, or a sheet")
    contacts = source.name
    if isinstance(source, ContactsPath):
        if not source.path.is_file():
            raise InputError(f"{source.path} is not there", hint="name the file that is to be run")
        contacts = str(source.path.absolute())
    config = settings.source.absolute() if settings.source else None
    for path in (contacts, str(config), str(Path.cwd())):
        if not path.isprintable():
            raise InputError(f"{path!r} cannot stand in a crontab", hint="rename it")
    folder = config.parent if config else Path.cwd()
    return Job(
        program=_program(),
        contacts=contacts,
        campaign=campaign_name(source, campaign),
        config=config,
        folder=folder,
        log=folder / "scheduled.log",  # a folder that is there: else the shell would not begin
    )


def _program() -> tuple[str, ...]:
    """As this command was started, by its whole path."""
    started = Path(sys.argv[0])
    if started.name == "callagent" and started.exists():
        return (str(started.absolute()),)
    return (sys.executable, "-m", "callagent_cli")


def _slots(texts: Sequence[str]) -> list[Slot]:
    if not texts:
        raise InputError("when is it to start?", hint='add --at "mon-fri 09:30"')
    try:
        return read_times(texts)
    except ValueError as error:
        raise InputError(f"--at {error}") from None


def _warnings(settings: Settings, slots: Sequence[Slot]) -> list[str]:
    found = []
    if wiring.is_sandbox(settings):
        found.append("the provider is the sandbox: these runs will call nobody")
    window = settings.campaign.calling_window
    if window is not None and not _is_ever_open(window, slots):
        found.append(
            "no start lies within campaign.calling_window: people in this machine's time zone"
            " would never be called"
        )
    return found


def _is_ever_open(window: Window, slots: Sequence[Slot]) -> bool:
    day = datetime(2026, 1, 5, tzinfo=UTC)  # any: the window has no dates
    ends = datetime.combine(day, window.end, UTC) - timedelta(seconds=window.margin)
    return any(
        name in window.days and window.start <= at and datetime.combine(day, at, UTC) < ends
        for slot in slots
        for name, at in slot.starts()
    )


def _install(job: Job, slots: Sequence[Slot], order: Order, terminal: Terminal) -> None:
    if order.is_systemd:
        for file in systemd.install(job, slots, os.environ):
            terminal.say(f"wrote {file}")
        terminal.say("a timer of yours runs while you are logged in: `loginctl enable-linger`")
    else:
        crontab.install(job, slots)
        terminal.say("it is in your crontab; `crontab -l` shows it")


def _remove(job: Job, order: Order, terminal: Terminal) -> int:
    was_there = systemd.remove(job, os.environ) if order.is_systemd else crontab.remove(job)
    if not was_there:
        other = "without --systemd" if order.is_systemd else "with --systemd"
        raise InputError(
            f"no schedule of the campaign {job.campaign} with this config is there",
            hint=f"look {other}, with the --campaign and --config it was made with",
        )
    if order.is_json:
        terminal.result(json.dumps({"campaign": job.campaign, "removed": True}))
    terminal.say(f"{job.campaign} is started by nobody any more")
    return 0


def _show(job: Job, slots: Sequence[Slot], order: Order, terminal: Terminal) -> None:
    if order.is_systemd:
        files = systemd.units(job, slots)
        text = "\n".join(f"# {name}\n{body}" for name, body in files.items())
        told: dict[str, object] = {"units": files}
    else:
        text = "\n".join(crontab.lines(job, slots))
        told = {"lines": crontab.lines(job, slots)}
    if order.is_json:
        about = {"campaign": job.campaign, "installed": order.is_installed}
        terminal.result(json.dumps({**about, **told}))
    elif not order.is_installed:
        terminal.result(text)
        terminal.say("\nnothing was installed; --install does it")
