"""`callagent doctor`: everything that would spoil a real campaign. Reads only."""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event

from callagent_cli import wiring
from callagent_cli.checkup.case import Case, Crowd
from callagent_cli.checkup.crowd import crowd_of
from callagent_cli.checkup.doctor import checks
from callagent_cli.checkup.examination import Examination
from callagent_cli.checkup.note import Level, Note
from callagent_cli.cli.contacts_source import Given, open_contacts
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.options import Common
from callagent_cli.cli.progress import counted, progress
from callagent_cli.cli.render_doctor import render_doctor
from callagent_cli.cli.run import campaign_name
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.text import one_line
from callagent_cli.intake.source import source_of


def doctor(
    contacts: str | None, campaign: str | None, *, sends_test: bool, as_json: bool, common: Common
) -> int:
    """contacts: as typed; None looks at everything else."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    case, read = Case(settings, SystemClock()), _nothing
    if contacts is not None:
        source = source_of(contacts)
        case.file = file = open_contacts(source, settings, terminal)
        case.contacts_typed = shlex.quote(one_line(contacts))
        read = _reading(case, Given(source, file), campaign, terminal)
    examination = Examination(checks(case, sends_test=sends_test), case.clock)
    read()
    with progress(terminal, "looking"):
        notes = examination.notes()
    if as_json:
        terminal.result(json.dumps(_to_json(notes)))
    else:
        render_doctor(notes, terminal)
    is_well = all(note.level is not Level.PROBLEM for note in notes)
    return ExitStatus.DONE if is_well else ExitStatus.FAILED


def _nothing() -> None:
    """There are no contacts to read."""


def _reading(
    case: Case, given: Given, campaign: str | None, terminal: Terminal
) -> Callable[[], None]:
    """Reads the contacts while the checks go on; those that need them wait. May raise
    InputError: then nobody waits any more."""
    name, is_read = campaign_name(given.source, campaign), Event()
    found: list[Crowd] = []

    def crowd() -> Crowd | None:
        is_read.wait()
        return found[0] if found else None

    case.crowd = crowd

    def read() -> None:
        try:
            with progress(terminal, f"reading {given.source.name}") as tell:
                found.append(crowd_of(counted(given.file, tell), case.settings, name))
        finally:
            is_read.set()

    return read


def _to_json(notes: Sequence[Note]) -> dict[str, object]:
    count = Counter(note.level for note in notes)
    return {
        "problems": count[Level.PROBLEM],
        "warnings": count[Level.WARNING],
        "findings": [
            {
                "check": note.room,
                "level": note.level.value,
                "what": one_line(note.what, 500),
                "fix": one_line(note.fix, 500) or None,
            }
            for note in notes
        ],
    }
