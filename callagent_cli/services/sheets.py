"""Mirrors what happens to a tab of a Google spreadsheet: a row an event, its key in column A.

Rows are only ever added, as they are (RAW: nothing becomes a formula), below what is there; a
person may sort them, and add columns to their right.
"""

from collections.abc import Callable, Sequence

import gspread

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import RefusalKind, ServiceError, ServiceRefused
from callagent_cli.domain.health import Health
from callagent_cli.services.checkup import Checkup
from callagent_cli.services.sheets_client import client_email, google_client
from callagent_cli.services.sheets_errors import SERVICE, sorting
from callagent_cli.services.sheets_pace import Pace
from callagent_cli.services.sheets_rows import KEY, row_of, wrong_cell

__all__ = ["SheetsMirror", "google_client"]

_LIMITS_S = (5.0, 30.0)  # connect, read; gspread's own would wait for ever
_QUICK_S = (2.0, 3.0)  # for probes
_MOST_CELLS = 10_000_000  # of a spreadsheet
_NEARLY = 0.95


class SheetsMirror:
    """A delivery.Destination and a ports.Prober.

    open_client: makes a client, and no request; asked again after a refusal, for a person may
    have put a new key in place. columns: after `key`, in the sheet's order; the payload of a
    delivery is `{"row": {column: value}}`.
    """

    name = service = SERVICE
    most_at_once = 100

    def __init__(
        self,
        open_client: Callable[[], gspread.Client],
        *,
        sheet_id: str,
        worksheet: str,
        columns: Sequence[str],
        clock: Clock,
    ) -> None:
        self._open_client, self._clock = open_client, clock
        self._sheet_id, self._title = sheet_id, worksheet
        self._columns, self._header = tuple(columns), (KEY, *columns)
        self._reads, self._writes = Pace(clock), Pace(clock)
        self._tab: gspread.Worksheet | None = None  # found, and its header is in order
        self._probed: gspread.Spreadsheet | None = None
        self._email = ""

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Add a row for each. See Destination for what it raises; a refusal holds until a
        person has put the sheet, its tab or the key right."""
        try:
            tab = self._tab = self._tab or self._open()
            self._add(tab, self._missing(tab, deliveries))
        except ServiceRefused:
            self._tab = None  # look again next time
            raise

    def _missing(self, tab: gspread.Worksheet, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Without those that an earlier try has added, wherever they have been sorted to."""
        if not any(delivery.earlier_tries for delivery in deliveries):
            return list(deliveries)
        self._reads.wait()
        with sorting(client_email=self._email):
            there = {str(key) for key in tab.col_values(1)}
        return [delivery for delivery in deliveries if delivery.key not in there]

    def _add(self, tab: gspread.Worksheet, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        self._writes.wait()
        with sorting(is_append=True, client_email=self._email):
            tab.append_rows(
                [row_of(delivery, self._columns) for delivery in deliveries],
                value_input_option="RAW",
                insert_data_option="INSERT_ROWS",
                table_range="A1",
            )

    def _open(self) -> gspread.Worksheet:
        client = self._open_client()
        client.set_timeout(_LIMITS_S)
        spreadsheet = self._open_spreadsheet(client)
        self._reads.wait()
        with sorting(client_email=self._email):
            tab = spreadsheet.worksheet(self._title)
        if not self._has_header(tab):
            self._write_header(tab)
        return tab

    def _open_spreadsheet(self, client: gspread.Client) -> gspread.Spreadsheet:
        self._email = client_email(client)
        self._reads.wait()
        with sorting(client_email=self._email):
            return client.open_by_key(self._sheet_id)

    def _has_header(self, tab: gspread.Worksheet) -> bool:
        """False when the first row is empty. Raises ServiceRefused when it is another's."""
        self._reads.wait()
        with sorting(client_email=self._email):
            found = tab.row_values(1)
        if not any(found):
            return False
        if wrong := wrong_cell(found, self._header):
            raise ServiceRefused(
                SERVICE,
                f"the header of the sheet differs: {wrong}",
                kind=RefusalKind.CONFIG,
                hint="put the header back, or name an empty tab in sheets.worksheet",
            )
        return True

    def _write_header(self, tab: gspread.Worksheet) -> None:
        if tab.col_count < len(self._header):
            self._writes.wait()
            with sorting(client_email=self._email):
                tab.resize(cols=len(self._header))
        self._writes.wait()
        with sorting(client_email=self._email):
            tab.update([list(self._header)], "A1", raw=True)

    def probe(self) -> Health:
        """Two reads: the spreadsheet's tabs, and the header. Nothing that is read shows the
        right to write."""
        checkup = Checkup(SERVICE, self._clock)
        try:
            return self._look(checkup)
        except ServiceError as error:
            self._probed = None
            return checkup.failed(error)

    def _look(self, checkup: Checkup) -> Health:
        spreadsheet = self._probed = self._probed or self._open_for_probes()
        self._reads.wait()
        with sorting(client_email=self._email):
            tabs = spreadsheet.worksheets()
            cells = sum(tab.row_count * tab.col_count for tab in tabs)
        tab = next((tab for tab in tabs if tab.title == self._title), None)
        if tab is None:
            with sorting():
                raise gspread.exceptions.WorksheetNotFound(self._title)
        has_header = self._has_header(tab)
        if cells > _MOST_CELLS * _NEARLY:
            remedy = "begin a new spreadsheet, or delete old rows and unused tabs"
            return checkup.warned(f"the spreadsheet is nearly full: {cells:,} cells", remedy)
        what = "header" if has_header else "tab, still empty,"
        return checkup.well(f"key, sheet and {what} are in order; the first row tries to write")

    def _open_for_probes(self) -> gspread.Spreadsheet:
        """With a client of their own: a delivery may be under way, with more patience."""
        client = self._open_client()
        client.set_timeout(_QUICK_S)
        return self._open_spreadsheet(client)
