"""Contacts from a Google Sheet, through gspread's own client."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.domain.errors import InputError, TransientError
from callagent_cli.intake.contacts import contacts_in
from callagent_cli.intake.formats import Choices
from callagent_cli.intake.sheet_table import sheet_table
from callagent_cli.intake.source import GoogleSheet, source_of
from callagent_cli.services import sheets_reader
from callagent_cli.simulator.faults import FaultPlan
from callagent_cli.simulator.google_sheets import GoogleSheets, Tab
from callagent_cli.simulator.sandbox import Sandbox
from callagent_cli.simulator.transport import session_of
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.wiring.google_contacts import GoogleBook, google_book
from tests.support.hand_clock import HandClock
from tests.support.sheets_server import EMAIL, LOST, SHEET_ID, SheetsServer, google_error

HEADER = ["Phone", "Name", "Visit"]
ADA = ["(202) 555-0101", "Ada", "11/24/2026"]
BOB = ["12025550102", "Bob"]
BUSY = google_error(503, "UNAVAILABLE", "busy")


@pytest.fixture
def server() -> Iterator[SheetsServer]:
    with SheetsServer("Contacts") as running:
        running.rows["Contacts"] = [HEADER, ADA, BOB]
        yield running


def book_at(server: SheetsServer, typed: str = f"gsheet:{SHEET_ID}") -> GoogleBook:
    source = source_of(typed)
    assert isinstance(source, GoogleSheet)
    return google_book(source, Settings(), HandClock(), server.session())


def rows_of(book: GoogleBook, worksheet: str | None = None) -> list[Contact | RejectedRow]:
    choices = Choices(worksheet=worksheet)
    table = sheet_table(book, book.wanted() or worksheet, choices.is_header)
    return list(contacts_in(table, choices, "US"))


def names_in(book: GoogleBook, worksheet: str | None = None) -> list[str]:
    return [row.name for row in rows_of(book, worksheet) if isinstance(row, Contact)]


def refusal(server: SheetsServer, typed: str = f"gsheet:{SHEET_ID}") -> InputError:
    with pytest.raises(InputError) as caught:
        rows_of(book_at(server, typed))
    return caught.value


def test_a_sheet_is_read_as_it_is_shown(server: SheetsServer) -> None:
    ada, bob = rows_of(book_at(server))
    assert isinstance(ada, Contact)
    assert (ada.phone, ada.name, ada.line) == ("+12025550101", "Ada", 2)
    assert ada.variables == {"visit": "11/24/2026"}
    assert isinstance(bob, Contact)
    assert (bob.phone, bob.line) == ("+12025550102", 3)


def test_rows_are_told_by_their_number_and_letter(server: SheetsServer) -> None:
    server.rows["Contacts"] += [[], ["12", "Eve"], ["202-555-0101", "Twin"]]
    _, _, eve, twin = rows_of(book_at(server))
    assert isinstance(eve, RejectedRow)
    assert (eve.line, eve.column) == (5, "Phone (column A)")
    assert isinstance(twin, RejectedRow)
    assert (twin.line, twin.reason) == (6, "duplicate of row 2")


def test_a_long_sheet_is_read_in_pieces(
    server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets_reader, "_ROWS_AT_ONCE", 300)
    server.rows["Contacts"] += [[], *([f"202555{n:04d}", f"n{n}"] for n in range(103, 600))]
    names = names_in(book_at(server))
    assert names == ["Ada", "Bob", *(f"n{n}" for n in range(103, 600))]
    assert server.kinds().count("read") == 4


@pytest.mark.parametrize("how", ["hiddenByUser", "hiddenByFilter"])
def test_a_hidden_row_is_told_and_not_called(server: SheetsServer, how: str) -> None:
    server.hidden_rows["Contacts"] = {2: how}
    hidden, bob = rows_of(book_at(server))
    assert isinstance(hidden, RejectedRow)
    assert (hidden.line, hidden.reason) == (2, "the row is hidden in the sheet")
    assert isinstance(bob, Contact)


def test_the_tab_with_a_phone_column_is_found_named_or_addressed(server: SheetsServer) -> None:
    server.rows = {
        "Totals": [["Year", "Sum"], ["2026", "3"]],
        "Old": [HEADER, ["2025550109", "Old"]],
        "May/June": [HEADER, ADA],
        "Late": [HEADER, BOB],
    }
    server.hidden_tabs = {"Old"}
    at = f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit"
    assert names_in(book_at(server)) == ["Ada"]
    assert names_in(book_at(server), "late") == ["Bob"]
    assert names_in(book_at(server, f"gsheet:{SHEET_ID}/Late"), "Old") == ["Bob"]
    assert names_in(book_at(server, f"gsheet:{SHEET_ID}/May%2FJune")) == ["Ada"]
    assert names_in(book_at(server, f"{at}#gid=3")) == ["Bob"]
    error = refusal(server, f"{at}#gid=99")
    assert "no tab with gid=99; it has: Totals, Old, May/June, Late" in error.message


def test_a_tab_that_is_not_there_suggests_the_nearest(server: SheetsServer) -> None:
    error = refusal(server, f"gsheet:{SHEET_ID}/Contact")
    assert "has no sheet 'Contact'; it has: Contacts" in error.message
    assert error.hint == "did you mean 'Contacts'?"


def test_a_sheet_that_is_not_shared_says_with_whom_to_share_it(
    server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets_reader, "client_email", lambda _: EMAIL)
    server.faults["metadata"] = [google_error(403, "PERMISSION_DENIED", "no permission")]
    error = refusal(server)
    assert f"gsheet:{SHEET_ID}: the spreadsheet is not shared" in error.message
    assert error.hint == f"share the sheet with {EMAIL}"


def test_a_sheet_that_is_not_there_says_where_its_id_stands(server: SheetsServer) -> None:
    error = refusal(server, "gsheet:sheet_2")
    assert error.message == "gsheet:sheet_2: there is no spreadsheet of this id"
    assert "between /d/ and /edit" in error.hint


def test_a_missing_key_says_where_it_belongs() -> None:
    with pytest.raises(InputError) as caught:
        google_book(GoogleSheet(SHEET_ID), Settings(), HandClock())
    assert "there is no key file: google_credentials.json" in caught.value.message
    assert "google_sheets.credentials_path" in caught.value.hint


@pytest.mark.parametrize("fault", [BUSY, LOST])
def test_google_is_asked_again(server: SheetsServer, fault: tuple[int, object]) -> None:
    server.faults["read"] = [fault]
    server.faults["metadata"] = [fault]
    assert names_in(book_at(server)) == ["Ada", "Bob"]


def test_google_that_stays_away_is_no_fault_of_the_input(server: SheetsServer) -> None:
    server.faults["read"] = [BUSY] * 9
    with pytest.raises(TransientError):
        rows_of(book_at(server))
    assert server.kinds().count("read") == 3


def test_the_simulated_sheets_are_read_too() -> None:
    clock = VirtualClock(datetime(2026, 11, 23, 18, tzinfo=UTC))
    sandbox = Sandbox(clock, seed=1, faults=FaultPlan(()))
    with closing(sandbox):
        sandbox.sheets.tabs["People"] = Tab(7, "People", [[*HEADER], [*ADA], ["12025550102", 7]])
        source = GoogleSheet(GoogleSheets.sheet_id, tab_id=7)
        book = google_book(source, Settings(), clock, session_of(sandbox, clock))
        assert names_in(book) == ["Ada", "7"]
