"""The mirror through gspread's own client, against a Sheets server of the test's own."""

import json
import subprocess
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.sheets import SheetsMirror, google_client
from callagent_cli.services.sheets_pace import Pace
from callagent_cli.services.sheets_rows import column_letters
from tests.support.hand_clock import HandClock
from tests.support.sheets_server import (
    ACCESS,
    EMAIL,
    LOST,
    SHEET_ID,
    Answer,
    SheetsServer,
    google_error,
)

COLUMNS = ("at", "event", "note")
HEADER = ["key", *COLUMNS]
CANARY = "canary-body-8831"
BUSY = google_error(429, "RESOURCE_EXHAUSTED", f"Quota exceeded {CANARY}")
FORBIDDEN = google_error(403, "PERMISSION_DENIED", f"The caller does not have permission {CANARY}")
BROKEN: Answer = (500, f"<html>{CANARY}")


@pytest.fixture
def server() -> Iterator[SheetsServer]:
    with SheetsServer() as running:
        yield running


@pytest.fixture
def mirror(server: SheetsServer) -> SheetsMirror:
    return _mirror(server)


def _mirror(
    server: SheetsServer,
    *,
    sheet_id: str = SHEET_ID,
    worksheet: str = "calls",
    clock: Clock | None = None,
) -> SheetsMirror:
    return SheetsMirror(
        lambda: google_client(Path("none.json"), session=server.session()),
        sheet_id=sheet_id,
        worksheet=worksheet,
        columns=COLUMNS,
        clock=clock or HandClock(),
    )


def _owed(key: str, *, tries: int = 0, **row: object) -> Delivery:
    values = {"at": "18:00", "event": "call.finished", **row}
    return Delivery(key, {"row": values}, datetime(2026, 11, 23, 18, tzinfo=UTC), tries)


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + getattr(error, "hint", "")


def test_an_empty_tab_gets_the_header_and_the_rows(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1", note="a"), _owed("k2")])
    assert server.rows["calls"] == [
        HEADER,
        ["k1", "18:00", "call.finished", "a"],
        ["k2", "18:00", "call.finished", ""],
    ]


def test_a_batch_after_the_first_is_one_request(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1")])
    server.requests.clear()
    mirror.deliver([_owed(f"b{number}") for number in range(mirror.most_at_once)])
    assert server.kinds() == ["append"]


def test_a_repeat_leaves_out_what_is_there_wherever_it_was_sorted_to(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1"), _owed("k2"), _owed("k3")])
    server.rows["calls"][1:] = reversed(server.rows["calls"][1:])
    server.requests.clear()
    mirror.deliver([_owed("k2", tries=1), _owed("k4", tries=1), _owed("k3", tries=1)])
    assert [row[0] for row in server.rows["calls"]] == ["key", "k3", "k2", "k1", "k4"]
    assert server.kinds() == ["read", "append"]


def test_a_repeat_of_what_is_all_there_adds_nothing(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1")])
    mirror.deliver([_owed("k1", tries=1)])
    assert server.kinds().count("append") == 1


def test_an_append_whose_answer_is_lost_is_in_doubt_and_its_repeat_adds_nothing(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    server.faults["append"] = [LOST]
    with pytest.raises(AmbiguousError):
        mirror.deliver([_owed("k1")])
    mirror.deliver([_owed("k1", tries=1)])
    assert [row[0] for row in server.rows["calls"]] == ["key", "k1"]


@pytest.mark.parametrize(
    "value",
    ["=IMPORTXML(1)", "+12025550123", "x" * 60_000, "a\x00b‮c", "two\nlines", "\ud800"],
)
def test_a_text_is_stored_as_text_short_and_printable(
    value: str, mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1", note=value)])
    stored = server.rows["calls"][1][3]
    assert stored.replace("\n", "").isprintable()
    assert len(stored) <= 49_000
    assert stored[:5] == value[:5] or not value.isprintable()


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (True, True),
        (7, 7),
        (1.5, 1.5),
        (None, ""),
        (2**60, str(2**60)),
        (float("nan"), "nan"),
        ({"a": ["b"]}, '{"a": ["b"]}'),
    ],
)
def test_a_value_is_stored_as_what_a_sheet_can_hold(
    value: object, stored: object, mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1", note=value)])
    assert server.rows["calls"][1][3] == stored


def test_a_header_that_differs_is_named_and_nothing_is_written(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    server.rows["calls"] = [["key", "at", CANARY, "note"]]
    with pytest.raises(ServiceRefused, match="cell C1 should be 'event'") as refused:
        mirror.deliver([_owed("k1")])
    assert refused.value.hint
    assert CANARY not in _shown(refused.value)
    assert set(server.kinds()) == {"metadata", "read"}


def test_columns_that_a_person_added_on_the_right_do_no_harm(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    server.rows["calls"] = [[*HEADER, "my notes"]]
    mirror.deliver([_owed("k1")])
    assert len(server.rows["calls"]) == 2


def test_a_narrow_tab_is_widened_for_the_header() -> None:
    with SheetsServer(columns=2) as server:
        _mirror(server).deliver([_owed("k1")])
        assert server.columns == len(HEADER)


def test_a_missing_tab_is_told_and_used_once_it_is_there(server: SheetsServer) -> None:
    mirror = _mirror(server, worksheet="events")
    with pytest.raises(ServiceRefused, match="no tab") as refused:
        mirror.deliver([_owed("k1")])
    assert "sheets.worksheet" in refused.value.hint
    server.rows["events"] = []
    mirror.deliver([_owed("k1")])
    assert len(server.rows["events"]) == 2


def test_a_missing_spreadsheet_is_told(server: SheetsServer) -> None:
    with pytest.raises(ServiceRefused, match="no spreadsheet"):
        _mirror(server, sheet_id="another").deliver([_owed("k1")])


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("metadata", BUSY, ThrottledError),
        ("metadata", BROKEN, TransientError),
        ("metadata", LOST, TransientError),
        ("metadata", FORBIDDEN, ServiceRefused),
        ("metadata", (200, CANARY), TransientError),
        ("metadata", (200, {}), TransientError),
        ("metadata", (200, []), TransientError),
        ("metadata", (200, {"properties": {}, "sheets": 7}), TransientError),
        ("metadata", (503, {"error": CANARY}), TransientError),
        ("read", BROKEN, TransientError),
        ("read", (200, {"values": []}), None),
        ("update", LOST, TransientError),
        ("append", BUSY, ThrottledError),
        ("append", FORBIDDEN, ServiceRefused),
        ("append", google_error(400, "INVALID_ARGUMENT", "a protected cell"), ServiceRefused),
        ("append", google_error(400, "INVALID_ARGUMENT", "above the limit"), ServiceRefused),
        ("append", google_error(401, "UNAUTHENTICATED", CANARY), ServiceRefused),
        ("append", (404, f"<html>{CANARY}"), ServiceRefused),
        ("append", (408, ""), AmbiguousError),
        ("append", BROKEN, AmbiguousError),
        ("append", (502, {"error": CANARY}), AmbiguousError),
        ("append", (200, CANARY), AmbiguousError),
    ],
)
def test_each_answer_is_sorted_and_no_body_is_shown(
    kind: str,
    answer: Answer,
    expected: type[ServiceError] | None,
    mirror: SheetsMirror,
    server: SheetsServer,
) -> None:
    server.faults[kind] = [answer] * 2  # opening asks for the metadata twice
    if expected is None:
        mirror.deliver([_owed("k1")])
        return
    with pytest.raises(ServiceError) as failed:
        mirror.deliver([_owed("k1")])
    assert type(failed.value) is expected
    assert CANARY not in _shown(failed.value)
    assert bool(failed.value.hint) == (expected is ServiceRefused)


def test_nothing_was_sent_when_nobody_listens() -> None:
    with SheetsServer() as server:
        mirror = _mirror(server)
        mirror.deliver([_owed("k1")])
    with pytest.raises(TransientError):
        mirror.deliver([_owed("k2")])


def test_an_hour_of_busy_answers_is_survived(mirror: SheetsMirror, server: SheetsServer) -> None:
    server.faults["append"] = [BUSY] * 60
    for _ in range(60):
        with pytest.raises(ThrottledError):
            mirror.deliver([_owed("k1", tries=1)])
    mirror.deliver([_owed("k1", tries=1)])
    assert [row[0] for row in server.rows["calls"]] == ["key", "k1"]


def test_no_minute_sees_more_than_60_requests() -> None:
    clock = HandClock()
    pace, at_s = Pace(clock), []
    for number in range(400):
        clock.advance(30 if number % 97 == 0 else 0)
        before_s = clock.monotonic()
        pace.wait()
        at_s.append(clock.monotonic())
        assert at_s[-1] - before_s <= 1.5, "a run's end is not held up"
    for start_s in at_s:
        assert sum(start_s <= moment_s < start_s + 60 for moment_s in at_s) <= 60


def test_deliveries_are_paced(server: SheetsServer) -> None:
    clock = HandClock()
    mirror = _mirror(server, clock=clock)
    for number in range(100):
        mirror.deliver([_owed(f"k{number}")])
    assert clock.monotonic() > 60


def test_every_request_is_bounded_in_time_and_a_probe_s_tightly(
    mirror: SheetsMirror, server: SheetsServer
) -> None:
    mirror.deliver([_owed("k1")])
    assert set(server.timeouts_s) == {(5.0, 30.0)}
    server.timeouts_s.clear()
    mirror.probe()
    assert set(server.timeouts_s) == {(2.0, 3.0)}


@pytest.mark.parametrize(
    ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (702, "AAA")]
)
def test_a_column_is_named_as_in_a_sheet(index: int, letters: str) -> None:
    assert column_letters(index) == letters


# --- the key ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def private_key() -> str:
    made = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True)
    return made.stdout.decode()


@pytest.fixture
def key_file(tmp_path: Path, private_key: str, server: SheetsServer) -> Path:
    path = tmp_path / "google_credentials.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": EMAIL,
                "private_key_id": "1",
                "private_key": private_key,
                "token_uri": f"{server.url}/token",
            }
        )
    )
    return path


@pytest.fixture
def keyed(server: SheetsServer, key_file: Path) -> SheetsMirror:
    def client() -> Any:
        made = google_client(key_file)
        made.http_client.session.mount("https://", server.adapter())
        return made

    return SheetsMirror(
        client, sheet_id=SHEET_ID, worksheet="calls", columns=COLUMNS, clock=HandClock()
    )


def test_a_service_account_gets_a_token_and_writes(
    keyed: SheetsMirror, server: SheetsServer
) -> None:
    keyed.deliver([_owed("k1")])
    assert server.kinds()[0] == "token"
    assert len(server.rows["calls"]) == 2


def test_a_sheet_that_is_not_shared_says_with_whom_to_share_it(
    keyed: SheetsMirror, server: SheetsServer
) -> None:
    server.faults["metadata"] = [FORBIDDEN] * 2
    with pytest.raises(ServiceRefused) as refused:
        keyed.deliver([_owed("k1")])
    assert refused.value.hint == f"share the sheet with {EMAIL} as editor"
    assert keyed.probe().remedy == refused.value.hint


def test_an_api_that_is_not_enabled_is_told_from_a_sheet_that_is_not_shared(
    keyed: SheetsMirror, server: SheetsServer
) -> None:
    message = "Google Sheets API has not been used in project 1 before or it is disabled."
    server.faults["metadata"] = [google_error(403, "PERMISSION_DENIED", message)]
    with pytest.raises(ServiceRefused, match="not enabled"):
        keyed.deliver([_owed("k1")])


@pytest.mark.parametrize(
    ("told", "expected", "words"),
    [
        ("Invalid JWT Signature.", ServiceRefused, "deleted or disabled"),
        ("Invalid JWT: Token must be a short-lived token (60 minutes)", ServiceRefused, "clock"),
    ],
)
def test_a_refused_token_says_why(
    told: str,
    expected: type[ServiceError],
    words: str,
    keyed: SheetsMirror,
    server: SheetsServer,
    private_key: str,
) -> None:
    refusal = {"error": "invalid_grant", "error_description": f"{told} {CANARY}"}
    server.faults["token"] = [(400, refusal)]
    with pytest.raises(expected, match=words) as refused:
        keyed.deliver([_owed("k1")])
    shown = _shown(refused.value)
    assert CANARY not in shown
    assert ACCESS not in shown
    assert private_key[40:80] not in shown


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "no key file"),
        (lambda path: path.write_text("{"), "not of a service account"),
        (lambda path: path.write_text("[]"), "not of a service account"),
        (lambda path: path.write_text('{"type": "authorized_user"}'), "not of a service account"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not of a service account"),
        (
            lambda path: path.write_text(path.read_text().replace("PRIVATE KEY", CANARY)),
            "not of a service account",
        ),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
    ],
)
def test_a_bad_key_file_is_told_and_a_good_one_in_its_place_is_used(
    spoil: Callable[[Path], object],
    words: str,
    key_file: Path,
    keyed: SheetsMirror,
    server: SheetsServer,
) -> None:
    good = key_file.read_text()
    spoil(key_file)
    with pytest.raises(ServiceRefused, match=words) as refused:
        keyed.deliver([_owed("k1")])
    assert CANARY not in _shown(refused.value)
    if key_file.is_dir():
        key_file.rmdir()
    key_file.write_text(good)
    keyed.deliver([_owed("k1")])
    assert len(server.rows["calls"]) == 2


# --- health ----------------------------------------------------------------------------------


def test_a_probe_reads_and_writes_nothing(mirror: SheetsMirror, server: SheetsServer) -> None:
    health = mirror.probe()
    assert health.status is HealthStatus.OK
    assert health.service == "sheets"
    assert "empty" in health.detail
    server.requests.clear()
    assert mirror.probe().status is HealthStatus.OK
    assert server.kinds() == ["metadata", "read"]


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("metadata", BUSY, HealthStatus.DEGRADED),
        ("metadata", BROKEN, HealthStatus.DOWN),
        ("read", LOST, HealthStatus.DOWN),
        ("metadata", FORBIDDEN, HealthStatus.MISCONFIGURED),
    ],
)
def test_a_probe_tells_a_bad_day_from_a_wrong_setting(
    kind: str,
    answer: Answer,
    expected: HealthStatus,
    mirror: SheetsMirror,
    server: SheetsServer,
) -> None:
    server.faults[kind] = [answer]
    health = mirror.probe()
    assert health.status is expected
    assert CANARY not in repr(health)
    assert health.remedy or expected is HealthStatus.DEGRADED
    assert mirror.probe().status is HealthStatus.OK


def test_a_probe_finds_a_missing_tab_and_a_wrong_header(server: SheetsServer) -> None:
    health = _mirror(server, worksheet="events").probe()
    assert (health.status, health.remedy) == (
        HealthStatus.MISCONFIGURED,
        "add the tab, or correct sheets.worksheet",
    )
    server.rows["calls"] = [["name", "phone"]]
    assert _mirror(server).probe().status is HealthStatus.MISCONFIGURED


def test_a_probe_warns_before_the_spreadsheet_is_full(server: SheetsServer) -> None:
    server.row_count = 400_000
    health = _mirror(server).probe()
    assert health.status is HealthStatus.DEGRADED
    assert "10,400,000" in health.detail
