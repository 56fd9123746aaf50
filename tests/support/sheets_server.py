"""A server on loopback that speaks the parts of the Sheets REST API that gspread uses."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from callagent_cli.simulator.sheet_range import SheetRange

SHEET_ID = "sheet_1"
EMAIL = "bot@project.iam.gserviceaccount.com"
ACCESS = "canary-access-token-5521"

Answer = tuple[int, object]  # status; JSON, or text as it is
LOST: Answer = (0, None)  # carried out, and the line is cut instead of an answer


def google_error(status: int, word: str, message: str) -> Answer:
    return status, {"error": {"code": status, "message": message, "status": word}}


class SheetsServer:
    """One spreadsheet.

    faults: what to answer instead, by kind of request ("metadata", "read", "append", "update",
    "token"), in turn. requests: (kind, query, body) of each that came.
    """

    def __init__(self, title: str = "calls", *, columns: int = 26) -> None:
        self.rows: dict[str, list[list[Any]]] = {title: []}
        self.columns, self.row_count = columns, 1000
        self.hidden_tabs: set[str] = set()
        self.hidden_rows: dict[str, dict[int, str]] = {}  # tab → row, from 1 → by what
        self.faults: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.timeouts_s: list[object] = []  # (connect, read) of each request to Google
        owner = self

        class Handler(_Handler):
            sheets = owner

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "SheetsServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def adapter(self) -> HTTPAdapter:
        return _Redirected(self.url, self.timeouts_s)

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", self.adapter())
        return session

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.requests]

    def answer(self, kind: str, range_name: str, query: dict[str, str], body: Any) -> Answer:
        self.requests.append((kind, query, body))
        faults = self.faults.get(kind)
        fault = faults.pop(0) if faults else None
        if fault is not None and fault != LOST:
            return fault
        given = _ANSWERS[kind](self, range_name, query, body)
        return fault or given

    def _metadata(self, range_name: str, query: dict[str, str], body: Any) -> Answer:
        if "rowMetadata" in query.get("fields", ""):
            return 200, self._looks(query["ranges"].strip("'"))
        grid = {"rowCount": self.row_count, "columnCount": self.columns}
        tabs: list[dict[str, Any]] = [
            {"properties": {"sheetId": number, "title": title, "gridProperties": dict(grid)}}
            for number, title in enumerate(self.rows)
        ]
        for tab in tabs:
            if tab["properties"]["title"] in self.hidden_tabs:
                tab["properties"]["hidden"] = True
        about = {"title": "Mirror", "locale": "en_US", "timeZone": "Etc/UTC"}
        return 200, {"spreadsheetId": SHEET_ID, "properties": about, "sheets": tabs}

    def _looks(self, title: str) -> dict[str, Any]:
        """Of each row, as a mask on the fields leaves it."""
        hidden = self.hidden_rows.get(title, {})
        rows = [{hidden[n]: True} if n in hidden else {} for n in range(1, self.row_count + 1)]
        return {"sheets": [{"data": [{"rowMetadata": rows}]}]}

    def _read(self, range_name: str, query: dict[str, str], body: Any) -> Answer:
        title, cells = _parse(range_name)
        rows = self.rows[title]
        if query.get("majorDimension") == "COLUMNS":  # only column A is ever asked for
            values = [[row[0] if row else "" for row in rows]] if rows else []
        else:
            where = SheetRange.of(range_name)
            assert where is not None
            values = list(rows[where.first_row : where.end_row])
            while values and not values[-1]:
                values.pop()
        found = {"range": f"{title}!{cells}", "majorDimension": "ROWS"}
        return 200, {**found, "values": values} if values else found

    def _append(self, range_name: str, query: dict[str, str], body: Any) -> Answer:
        assert (query["valueInputOption"], query["insertDataOption"]) == ("RAW", "INSERT_ROWS")
        title, cells = _parse(range_name)
        assert cells == "A1"
        self.rows[title] += body["values"]
        return 200, {"updates": {"updatedRows": len(body["values"])}}

    def _update(self, range_name: str, query: dict[str, str], body: Any) -> Answer:
        assert query["valueInputOption"] == "RAW"
        title, _ = _parse(range_name)
        (row,) = body["values"]
        if len(row) > self.columns:
            return google_error(400, "INVALID_ARGUMENT", "Range exceeds grid limits")
        self.rows[title][:1] = [row]
        return 200, {"updatedRows": 1}

    def _batch(self, range_name: str, query: dict[str, str], body: Any) -> Answer:
        change = body["requests"][0]["updateSheetProperties"]["properties"]["gridProperties"]
        self.columns = change["columnCount"]
        return 200, {"replies": [{}]}

    def _token(self, range_name: str, query: dict[str, str], body: Any) -> Answer:
        return 200, {"access_token": ACCESS, "expires_in": 3600, "token_type": "Bearer"}


_ANSWERS: dict[str, Callable[[SheetsServer, str, dict[str, str], Any], Answer]] = {
    "metadata": SheetsServer._metadata,
    "read": SheetsServer._read,
    "append": SheetsServer._append,
    "update": SheetsServer._update,
    "batch": SheetsServer._batch,
    "token": SheetsServer._token,
}

_PATH = re.compile(
    rf"/v4/spreadsheets/{SHEET_ID}(?:/values/(?P<range>.+?))?(?P<verb>:append|:batchUpdate)?"
)


def _kind(method: str, path: str) -> tuple[str, str]:
    """(kind, range) of a request."""
    if path == "/token":
        return "token", ""
    found = _PATH.fullmatch(unquote(path))
    if found is None:
        return "unknown", ""
    match method, found["range"], found["verb"]:
        case "GET", None, None:
            return "metadata", ""
        case "GET", str(name), None:
            return "read", name
        case "PUT", str(name), None:
            return "update", name
        case "POST", str(name), ":append":
            return "append", name
        case "POST", None, ":batchUpdate":
            return "batch", ""
    raise AssertionError(f"gspread asked for {method} {path}")


def _parse(range_name: str) -> tuple[str, str]:
    """(tab, cells) of 'calls'!A1."""
    title, _, cells = range_name.rpartition("!")
    return title.strip("'"), cells


class _Handler(BaseHTTPRequestHandler):
    sheets: SheetsServer

    def _serve(self) -> None:
        asked = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, range_name = _kind(self.command, asked.path)
        if kind == "unknown":
            status, told = google_error(404, "NOT_FOUND", "Requested entity was not found.")
        else:
            body = json.loads(raw) if raw and kind != "token" else raw
            status, told = self.sheets.answer(kind, range_name, query, body)
        if status:
            self._reply(status, told)

    def _reply(self, status: int, told: object) -> None:
        data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _serve

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
        del format, args


class _Redirected(HTTPAdapter):
    """Takes a request for Google to the server of the test."""

    def __init__(self, url: str, timeouts_s: list[object]) -> None:
        self._url, self._timeouts_s = url, timeouts_s
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        self._timeouts_s.append(more["timeout"])
        asked = urlsplit(request.url or "")
        assert asked.netloc == "sheets.googleapis.com", asked.netloc
        request.url = f"{self._url}{asked.path}" + (f"?{asked.query}" if asked.query else "")
        return super().send(request, *args, **more)
