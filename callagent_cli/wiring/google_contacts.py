"""Contacts from Google Sheets: shared with the service account, or published.

Imports Google's libraries only when a sheet is named: they alone take a second.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from callagent_cli.config.services import CircuitBreaker, Retry, Timeout
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.intake.sheet_table import Sheet
from callagent_cli.intake.source import GoogleSheet, PublishedSheet
from callagent_cli.intake.table import BrokenRow, Row
from callagent_cli.services.http_session import HttpSession
from callagent_cli.services.published_sheet import MOST_BYTES, SERVICE, fetch
from callagent_cli.services.sheets_reader import Ask, SheetsReader
from callagent_cli.wiring.guards import guard_of
from callagent_cli.wiring.sessions import http_session

T = TypeVar("T")

_TIMEOUT = Timeout(connect=5, read=30, total=60)
_RETRY = Retry(initial_delay=2, max_attempts=2)


class GoogleBook:
    """An intake.sheet_table.Sheets."""

    kind = "Google Sheet"

    def __init__(self, source: GoogleSheet, reader: SheetsReader) -> None:
        self.name, self._source, self._reader = source.name, source, reader

    def sheets(self) -> Sequence[Sheet]:
        return [Sheet(tab.title, tab.is_hidden) for tab in self._reader.tabs()]

    def wanted(self) -> str | None:
        """The tab that the address names. Raises InputError when there is none of its number."""
        number = self._source.tab_id
        if number is None or self._source.worksheet:
            return self._source.worksheet
        for tab in self._reader.tabs():
            if tab.number == number:
                return tab.title
        titles = ", ".join(tab.title for tab in self._reader.tabs())
        raise InputError(
            f"{self.name} has no tab with gid={number}; it has: {titles}",
            hint="open the tab in the browser and copy its address again",
        )

    def rows(self, title: str) -> Iterator[Row | BrokenRow]:
        for row in self._reader.rows(title):
            if row.is_hidden and any(row.cells):
                yield BrokenRow(
                    row.number, "the row is hidden in the sheet", "show the row, or delete it"
                )
            else:
                yield Row(row.number, row.cells)


def google_book(
    source: GoogleSheet, settings: Settings, clock: Clock, network: object | None = None
) -> GoogleBook:
    """network: a requests.Session that stands in for it."""
    from callagent_cli.services.sheets_client import google_client

    sheet = settings.google_sheets
    key = settings.secrets.google_service_account_json_path or sheet.credentials_path
    open_client = partial(google_client, key, network)
    return GoogleBook(
        source, SheetsReader(open_client, source.sheet_id, clock=clock, ask=_asking(clock))
    )


def published_csv(source: PublishedSheet, clock: Clock, adapter: object | None = None) -> bytes:
    """adapter: stands in for the network."""

    def session_of(base_url: str) -> HttpSession:
        return http_session(SERVICE, base_url, {}, _TIMEOUT, clock, adapter, most_bytes=MOST_BYTES)

    return _asking(clock)(lambda: fetch(source.path, session_of))


def _asking(clock: Clock) -> Ask:
    """Behind a guard: Google may be busy for some seconds."""
    guard = guard_of(
        SERVICE,
        _RETRY,
        CircuitBreaker(),
        clock=clock,
        stop=clock.signal(),
        emit=_nobody,
        has_probe=False,
    )

    def ask(request: Callable[[], T]) -> T:
        return guard.call(request, operation="read contacts")

    return ask


def _nobody(name: EventName, /, **fields: FieldValue) -> None:
    """No run has begun that could log it."""
    del name, fields
