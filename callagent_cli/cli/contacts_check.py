"""`callagent contacts check`: the file alone."""

import json
from dataclasses import asdict

from callagent_cli import wiring
from callagent_cli.cli.contacts_source import open_contacts
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.options import Common
from callagent_cli.cli.progress import counted, progress
from callagent_cli.cli.render_contacts import render_contacts
from callagent_cli.cli.terminal import Terminal
from callagent_cli.intake.contacts import ContactsFile
from callagent_cli.intake.examination import Examination, examine
from callagent_cli.intake.meaning import columns_of
from callagent_cli.intake.source import source_of


def check(contacts: str, *, as_json: bool, common: Common) -> int:
    terminal = Terminal.of(common)
    settings = wiring.settings_of(common.config)
    source = source_of(contacts)
    file = open_contacts(source, settings, terminal)
    with progress(terminal, f"checking {source.name}") as tell:
        found = examine(file, counted(file, tell), wiring.needs_of(settings))
    if as_json:
        terminal.result(json.dumps(_to_json(file, found)))
    else:
        render_contacts(file, found, terminal)
    return ExitStatus.FAILED if found.counts.rejected else ExitStatus.DONE


def _to_json(file: ContactsFile, found: Examination) -> dict[str, object]:
    return {
        "source": file.name,
        "read_as": asdict(file.table.form),
        "header": {file.table.unit: file.header_line},
        "columns": [asdict(column) for column in columns_of(file.table, file.header)],
        "counts": asdict(found.counts),
        "first": [asdict(contact) for contact in found.first],
        "rejected": [asdict(row) for row in found.rejected],
        "duplicates": [asdict(row) for row in found.duplicates],
        "suggestions": [asdict(suggestion) for suggestion in found.suggestions],
    }
