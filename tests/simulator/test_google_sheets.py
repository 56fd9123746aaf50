"""The simulated spreadsheet, as gspread's own client and the product's mirror use it."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import gspread
import pytest
import requests
from requests.adapters import HTTPAdapter

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.services.sheets import SheetsMirror
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.google_sheets import GoogleSheets
from callagent_cli.simulator.sandbox import SHEETS, Sandbox
from callagent_cli.simulator.server import serve
from callagent_cli.simulator.sheet_range import SheetRange, letters
from callagent_cli.simulator.transport import session_of
from callagent_cli.simulator.virtual_clock import VirtualClock

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


def sandbox_with(clock: VirtualClock, *faults: Fault) -> Sandbox:
    return Sandbox(clock, seed=1, faults=FaultPlan(faults))


def client_of(sandbox: Sandbox) -> gspread.Client:
    return gspread.Client(auth=None, session=session_of(sandbox, sandbox.clock))


def tab_of(sandbox: Sandbox) -> gspread.Worksheet:
    return client_of(sandbox).open_by_key(GoogleSheets.sheet_id).worksheet("callagent")


def append(tab: gspread.Worksheet, *rows: list[object]) -> None:
    tab.append_rows(
        rows, value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1"
    )


def test_gspread_opens_writes_and_reads(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock)
    tab = tab_of(sandbox)
    assert tab.row_values(1) == []
    tab.update([["key", "event", "n"]], "A1", raw=True)
    append(tab, ["k1", "=1+1", 2], ["k2", "", True])
    append(tab, ["k3"])
    assert tab.row_values(1) == ["key", "event", "n"]
    assert tab.col_values(1) == ["key", "k1", "k2", "k3"]
    assert tab.get_all_values() == [
        ["key", "event", "n"],
        ["k1", "=1+1", "2"],
        ["k2", "", "TRUE"],
        ["k3", "", ""],
    ]
    assert tab.acell("B2").value == "=1+1"
    assert sandbox.sheets.tabs["callagent"].rows[1] == ["k1", "=1+1", 2], "as it was sent"
    assert sandbox.sheets.reception.keys("row") == ["k1", "k2", "k3"]


def test_tab_takes_more_columns_when_it_is_made_wider(clock: VirtualClock) -> None:
    tab = tab_of(sandbox_with(clock))
    wide = [[str(n) for n in range(30)]]
    with pytest.raises(gspread.exceptions.APIError, match="exceeds grid limits"):
        tab.update(wide, "A1", raw=True)
    tab.resize(cols=30)
    tab.update(wide, "A1", raw=True)
    assert tab.row_values(1) == wide[0]


def test_sheet_and_tab_that_are_not_there(clock: VirtualClock) -> None:
    client = client_of(sandbox_with(clock))
    with pytest.raises(gspread.exceptions.SpreadsheetNotFound):
        client.open_by_key("another")
    with pytest.raises(gspread.exceptions.WorksheetNotFound):
        client.open_by_key(GoogleSheets.sheet_id).worksheet("another")


class _ToPort(HTTPAdapter):
    """Takes what is for Google to the served sandbox."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        request.url = (request.url or "").replace(SHEETS.url, self._url)
        return super().send(request, *args, **more)


def test_gspread_talks_to_the_served_sheet() -> None:
    sandbox = Sandbox(SystemClock(), seed=1)
    with closing(serve(sandbox)) as server, requests.Session() as session:
        session.mount("https://", _ToPort(f"{server.url}/sheets"))
        tab = gspread.Client(auth=None, session=session).open_by_key("sheet_sandbox").sheet1
        append(tab, ["k1", "+12025550101"])
        assert tab.get_all_values() == [["k1", "+12025550101"]]


def mirror_of(sandbox: Sandbox, clock: VirtualClock) -> SheetsMirror:
    return SheetsMirror(
        lambda: client_of(sandbox),
        sheet_id=GoogleSheets.sheet_id,
        worksheet="callagent",
        columns=("event",),
        clock=clock,
    )


def owed(*keys: str, tries: int = 0) -> list[Delivery]:
    return [Delivery(key, {"row": {"event": "call.ended"}}, NOW, tries) for key in keys]


def test_the_products_mirror_writes_header_and_rows(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock)
    mirror_of(sandbox, clock).deliver(owed("k1", "k2"))
    assert sandbox.sheets.tabs["callagent"].rows == [
        ["key", "event"],
        ["k1", "call.ended"],
        ["k2", "call.ended"],
    ]


def test_rows_whose_answer_was_lost_are_not_added_twice(clock: VirtualClock) -> None:
    lost = Fault("sheets", FaultKind.RESET_AFTER, from_dial=1, is_once=True)
    sandbox = sandbox_with(clock, lost)
    mirror = mirror_of(sandbox, clock)
    with pytest.raises(AmbiguousError):
        mirror.deliver(owed("k1"))
    mirror.deliver(owed("k1", "k2", tries=1))
    assert sandbox.sheets.reception.keys("row") == ["k1", "k2"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("503", TransientError),
        ("429", ThrottledError),
        ("401", ServiceRefused),
        ("quota", ThrottledError),
        ("timeout", TransientError),
        ("reset-after", TransientError),
        ("garbage", TransientError),
    ],
)
def test_each_fault_is_sorted_by_the_products_mirror(
    clock: VirtualClock, kind: str, error: type[ServiceError]
) -> None:
    mirror = mirror_of(sandbox_with(clock, Fault("sheets", FaultKind(kind))), clock)
    with pytest.raises(error):
        mirror.deliver(owed("k1"))


def test_outage_without_times_begins_with_the_second_batch(clock: VirtualClock) -> None:
    outage = Fault("sheets", FaultKind.UNAVAILABLE, from_dial=2, lasts_s=300.0)
    sandbox = sandbox_with(clock, outage)
    mirror = mirror_of(sandbox, clock)
    mirror.deliver(owed("k1"))
    with pytest.raises(AmbiguousError):
        mirror.deliver(owed("k2"))
    clock.signal().wait(300)
    mirror.deliver(owed("k2", tries=1))
    assert sandbox.sheets.reception.keys("row") == ["k1", "k2"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("'calls'!A1", SheetRange("calls", 0, 1, 0, 1)),
        ("calls!B2:C5", SheetRange("calls", 1, 5, 1, 3)),
        ("'it''s'!A1:1", SheetRange("it's", 0, 1, 0, None)),
        ("calls!A:AA", SheetRange("calls", 0, None, 0, 27)),
        ("calls!A1:A1000", SheetRange("calls", 0, 1000, 0, 1)),
        ("calls", SheetRange("calls")),
        ("calls!a1?", None),
    ],
)
def test_ranges(text: str, wanted: SheetRange | None) -> None:
    assert SheetRange.of(text) == wanted


def test_columns_are_named_by_letters() -> None:
    assert [letters(n) for n in (1, 26, 27, 702, 703)] == ["A", "Z", "AA", "ZZ", "AAA"]
