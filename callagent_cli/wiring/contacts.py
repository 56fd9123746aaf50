"""Contacts from wherever they come, as the settings say to read them.

Invariant: what is not a file of the person's own is read once, so that the plan and the run see
the same rows.
"""

from collections.abc import Collection, Iterator
from string import Template
from typing import BinaryIO

from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.intake.contacts import ContactsFile, contacts_in
from callagent_cli.intake.examination import Needs
from callagent_cli.intake.formats import Choices, table_of
from callagent_cli.intake.sheet_table import Watch, sheet_table
from callagent_cli.intake.source import (
    ContactsPath,
    GoogleSheet,
    PublishedSheet,
    Source,
    Stdin,
)
from callagent_cli.intake.spool import Spool
from callagent_cli.intake.stored import StoredFile
from callagent_cli.intake.table import Table

_CHUNK_BYTES = 1 << 18
_MOST_BYTES = 1 << 30


def open_contacts(
    source: Source,
    settings: Settings,
    *,
    stdin: BinaryIO | None = None,
    watch: Watch | None = None,
) -> ContactsFile:
    """stdin: None where it is closed. watch: told how many rows of a sheet have been read.

    Raises InputError for what cannot be read at all, ServiceError where Google does not answer.
    """
    rules = settings.campaign
    choices = Choices(rules.columns, rules.csv.encoding, rules.csv.delimiter, rules.worksheet)
    table = _table(source, settings, choices, stdin=stdin, watch=watch)
    return contacts_in(table, choices, rules.default_region)


def needs_of(settings: Settings) -> Needs:
    """What a run with these settings asks of its contacts."""
    rules, llm, crm = settings.campaign, settings.services.llm, settings.services.crm
    templates = llm.fallbacks().values() if llm.enabled else ()
    named = {name for text in templates for name in Template(text).get_identifiers()}
    from_crm = set(crm.read.values()) if crm.enabled else set()
    return Needs(
        consent=rules.require_consent,
        max_zones=rules.calling_window.max_zones if rules.calling_window else None,
        variables=sorted(named - from_crm),
    )


def told_to_agent(settings: Settings, columns: Collection[str]) -> Collection[str]:
    """The variables that each call brings: the file's columns, and what the LLM always writes."""
    llm = settings.services.llm
    return [*columns, *(llm.variables if llm.enabled else ())]


def _table(
    source: Source,
    settings: Settings,
    choices: Choices,
    *,
    stdin: BinaryIO | None,
    watch: Watch | None,
) -> Table:
    match source:
        case ContactsPath(path):
            return table_of(StoredFile.find(path), choices, watch)
        case Stdin():
            return table_of(_spooled(stdin), choices, watch)
        case PublishedSheet():
            return table_of(_fetched(source), choices, watch)
        case GoogleSheet():
            return _google_table(source, settings, choices, watch)


def _google_table(
    source: GoogleSheet, settings: Settings, choices: Choices, watch: Watch | None
) -> Table:
    from callagent_cli.wiring.google_contacts import google_book

    book = google_book(source, settings, SystemClock())
    return sheet_table(book, book.wanted() or choices.worksheet, choices.is_header, watch)


def _fetched(source: PublishedSheet) -> Spool:
    from callagent_cli.wiring.google_contacts import published_csv

    return Spool.of(source.name, [published_csv(source, SystemClock())])


def _spooled(stdin: BinaryIO | None) -> Spool:
    if stdin is None:
        raise InputError("stdin is closed", hint="pipe the contacts in, or name a file")
    return Spool.of(Stdin.name, _pieces(stdin))


def _pieces(stdin: BinaryIO) -> Iterator[bytes]:
    left = _MOST_BYTES
    while piece := stdin.read(_CHUNK_BYTES):
        left -= len(piece)
        if left < 0:
            raise InputError(
                f"stdin brings more than {_MOST_BYTES >> 20:,} MB", hint="name a file instead"
            )
        yield piece
