"""Reads the tabs of a Google spreadsheet, each cell as it is shown.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets (get, values.get)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import gspread
from gspread.utils import absolute_range_name

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import InputError, ServiceRefused
from callagent_cli.services.sheets_client import client_email
from callagent_cli.services.sheets_errors import sorting
from callagent_cli.services.sheets_pace import Pace

T = TypeVar("T")

_LIMITS_S = (5.0, 60.0)  # connect, read
_ROWS_AT_ONCE = 20_000
_HIDDEN = "sheets(data(rowMetadata(hiddenByFilter,hiddenByUser)))"


class Ask(Protocol):
    """Makes a request, and again where that may help."""

    def __call__(self, request: Callable[[], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class SheetTab:
    title: str
    number: int  # `gid` of the sheet's address
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class SheetRow:
    number: int  # 1-based
    cells: tuple[str, ...]
    is_hidden: bool  # by hand, or by a filter


class SheetsReader:
    """One spreadsheet, read as the service account that it is shared with.

    Raises InputError for what a person must put right, ServiceError where Google does not answer.
    """

    def __init__(
        self,
        open_client: Callable[[], gspread.Client],
        sheet_id: str,
        *,
        clock: Clock,
        ask: Ask,
    ) -> None:
        self._sheet_id, self._ask, self._pace = sheet_id, ask, Pace(clock)
        self._email = ""
        with self._putting_right():
            client = open_client()
            client.set_timeout(_LIMITS_S)
            self._email = client_email(client)
            self._book = self._asked(lambda: client.open_by_key(sheet_id))
            self._tabs = {tab.title: tab for tab in self._asked(self._book.worksheets)}

    def tabs(self) -> list[SheetTab]:
        return [SheetTab(tab.title, tab.id, tab.isSheetHidden) for tab in self._tabs.values()]

    def rows(self, title: str) -> Iterator[SheetRow]:
        """From the first to the last that is not empty."""
        tab = self._tabs[title]
        with self._putting_right():
            hidden = _hidden(self._asked(lambda: self._looks(title)))
            for first in range(1, tab.row_count + 1, _ROWS_AT_ONCE):
                last = min(first + _ROWS_AT_ONCE - 1, tab.row_count)
                for number, cells in enumerate(self._values(tab, first, last), start=first):
                    yield SheetRow(number, tuple(map(str, cells)), number in hidden)

    def _values(self, tab: gspread.Worksheet, first: int, last: int) -> list[list[object]]:
        corner = gspread.utils.rowcol_to_a1(last, tab.col_count)
        where = absolute_range_name(tab.title, f"A{first}:{corner}")
        found = self._asked(lambda: self._book.values_get(where)).get("values", [])
        return [row for row in found if isinstance(row, list)]

    def _looks(self, title: str) -> Mapping[str, object]:
        asked = {"ranges": absolute_range_name(title), "fields": _HIDDEN}
        found: Mapping[str, object] = self._book.fetch_sheet_metadata(params=asked)
        return found

    def _asked(self, request: Callable[[], T]) -> T:
        def paced() -> T:
            self._pace.wait()
            with sorting(client_email=self._email):
                return request()

        return self._ask(paced)

    @contextmanager
    def _putting_right(self) -> Iterator[None]:
        try:
            yield
        except ServiceRefused as refused:
            name = f"gsheet:{self._sheet_id}"
            raise InputError(f"{name}: {refused.message}", hint=self._remedy(refused)) from None

    def _remedy(self, refused: ServiceRefused) -> str:
        if refused.http_status == 404:
            return "check the id: it stands in the sheet's address, between /d/ and /edit"
        if refused.http_status == 403 and "shared" in refused.message:
            return f"share the sheet with {self._email or 'the client_email of the key file'}"
        return refused.hint.replace("sheets.", "google_sheets.")


def _hidden(found: Mapping[str, object]) -> frozenset[int]:
    """Numbers of the rows that nobody sees, of an answer that may leave anything out."""
    match found.get("sheets"):
        case [{"data": [{"rowMetadata": list(rows)}, *_]}, *_]:
            return frozenset(
                number
                for number, row in enumerate(rows, start=1)
                if isinstance(row, Mapping)
                and (row.get("hiddenByUser") or row.get("hiddenByFilter"))
            )
        case _:
            return frozenset()
