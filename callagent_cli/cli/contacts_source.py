"""Contacts as a command was told to read them."""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.progress import progress
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line
from callagent_cli.intake.contacts import ContactsFile
from callagent_cli.intake.source import ContactsPath, Source, Stdin


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed, and what it holds."""

    source: Source
    file: ContactsFile


def require_name(source: Source, campaign: str | None) -> None:
    """Asked before anything is read: stdin cannot be read twice."""
    if not campaign and not isinstance(source, ContactsPath):
        raise InputError(
            f"contacts from {source.name} do not say which campaign they are",
            hint="name it: --campaign spring",
        )


def open_contacts(source: Source, settings: Settings, terminal: Terminal) -> ContactsFile:
    """Raises InputError for what cannot be read at all."""
    stdin = None
    if isinstance(source, Stdin) and sys.stdin is not None:
        if sys.stdin.isatty():
            terminal.say("type or paste the contacts; Ctrl-D on an empty line ends them")
        stdin = sys.stdin.buffer
    with progress(terminal, f"reading {source.name}") as tell:
        return wiring.open_contacts(source, settings, stdin=stdin, watch=tell)


def rejects_path(source: Source, campaign: str, settings: Settings) -> Path:
    """Beside the contacts; beside the ledger for what is no file."""
    folder = source.path.parent if isinstance(source, ContactsPath) else settings.state_dir
    return folder / f"{campaign}.rejected.csv"


def refuse_unasked(source: Source, terminal: Terminal) -> None:
    """Real calls, a person at the terminal, and stdin is taken: nobody can say no."""
    if isinstance(source, Stdin) and terminal.err.is_terminal:
        raise InputError(
            "contacts from stdin leave nobody to answer `Place these calls?`",
            hint="look at them with `callagent plan -`, then add --yes",
        )


def refuse_unknown(campaign: str, names: Collection[str]) -> None:
    """Who names contacts means them: a slip of the finger is not `nothing was due`."""
    if names:
        named = ", ".join(sorted(mask_phones(one_line(name, 60)) for name in names))
        hint = f"`callagent report {campaign}` lists them; nothing was dialled"
        raise InputError(f"--contact: {campaign} has no contact {named}", hint=hint)
