"""Google's Sheets API, as far as gspread opens, reads and adds rows with it: one spreadsheet,
whose cells hold what was sent. No formula is ever worked out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callagent_cli.simulator.dial_request import json_object
from callagent_cli.simulator.exchange import Asked, WorldAnswer, WorldRequest, answer, ok
from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.reception import Reception
from callagent_cli.simulator.sheet_range import SheetRange, letters

Row = list[object]


@dataclass(slots=True)
class Tab:
    """rows: without the empty ones below."""

    number: int
    title: str
    rows: list[Row] = field(default_factory=list)
    row_count: int = 1000
    column_count: int = 26


class GoogleSheets:
    """Thread-safe. Takes no token: who asks has been let in. Keeps each row added as an arrival
    `row` with its first cell."""

    sheet_id = "sheet_sandbox"

    def __init__(self, reception: Reception, *, worksheet: str = "callagent") -> None:
        self.reception = reception
        self.tabs = {worksheet: Tab(0, worksheet)}

    def handle(self, request: WorldRequest) -> WorldAnswer:
        asked = Asked.of(request)
        return self.reception.serve(
            asked.line,
            is_work=asked.parts[-1].endswith(":append"),
            refusals=_REFUSALS,
            answer=lambda: self._answer(asked),
        )

    def _answer(self, asked: Asked) -> WorldAnswer:
        match asked.method, asked.parts:
            case "GET", ("v4", "spreadsheets", self.sheet_id):
                return ok(self._about())
            case "POST", ("v4", "spreadsheets", whole) if whole == f"{self.sheet_id}:batchUpdate":
                return self._change(asked)
            case method, ("v4", "spreadsheets", self.sheet_id, "values", *rest) if rest:
                return self._values(method, "/".join(rest), asked)
            case _:
                return _NOT_FOUND

    def _values(self, method: str, name: str, asked: Asked) -> WorldAnswer:
        bare, is_append = name.removesuffix(":append"), name.endswith(":append")
        where = SheetRange.of(bare)
        tab = self.tabs.get(where.title) if where else None
        if where is None or tab is None:
            return _invalid(f"Unable to parse range: {bare}")
        if method == "GET" and not is_append:
            return _read(tab, where, bare, asked.word("majorDimension") or "ROWS")
        values = json_object(asked.body).get("values")
        if not isinstance(values, list) or not all(isinstance(row, list) for row in values):
            return _invalid("Invalid values")
        if asked.word("valueInputOption") not in ("RAW", "USER_ENTERED"):
            return _invalid("'valueInputOption' is required but not specified")
        if method == "POST" and is_append:
            return self._append(tab, values)
        return self._update(tab, where, values) if method == "PUT" else _NOT_FOUND

    def _append(self, tab: Tab, rows: list[Row]) -> WorldAnswer:
        first = len(tab.rows) + 1
        tab.rows += [list(row) for row in rows]
        tab.row_count = max(tab.row_count, len(tab.rows))
        for row in rows:
            self.reception.keep("row", str(row[0]) if row else "")
        about = {"spreadsheetId": self.sheet_id, "updates": self._written(tab, first, rows)}
        return ok(about)

    def _update(self, tab: Tab, where: SheetRange, rows: list[Row]) -> WorldAnswer:
        width = where.first_column + max((len(row) for row in rows), default=0)
        if width > tab.column_count or where.first_row + len(rows) > tab.row_count:
            return _invalid("Range exceeds grid limits")
        for number, row in enumerate(rows, where.first_row):
            while len(tab.rows) <= number:
                tab.rows.append([])
            cells = tab.rows[number]
            cells += [""] * (where.first_column + len(row) - len(cells))
            cells[where.first_column : where.first_column + len(row)] = row
        return ok(self._written(tab, where.first_row + 1, rows))

    def _written(self, tab: Tab, first_row: int, rows: list[Row]) -> dict[str, object]:
        width = max((len(row) for row in rows), default=0)
        last = f"{letters(max(width, 1))}{first_row + max(len(rows), 1) - 1}"
        return {
            "spreadsheetId": self.sheet_id,
            "updatedRange": f"{tab.title}!A{first_row}:{last}",
            "updatedRows": len(rows),
            "updatedColumns": width,
            "updatedCells": sum(len(row) for row in rows),
        }

    def _change(self, asked: Asked) -> WorldAnswer:
        """The size of a tab; nothing else of what batchUpdate can do."""
        wanted = json_object(asked.body).get("requests")
        for one in wanted if isinstance(wanted, list) else ():
            match one:
                case {"updateSheetProperties": {"properties": {"sheetId": int(number), **more}}}:
                    self._resize(number, more.get("gridProperties"))
                case _:
                    return _invalid("Invalid requests")
        return ok({"spreadsheetId": self.sheet_id, "replies": [{}]})

    def _resize(self, number: int, grid: object) -> None:
        for tab in self.tabs.values():
            if tab.number == number and isinstance(grid, dict):
                tab.row_count = int(grid.get("rowCount", tab.row_count))
                tab.column_count = int(grid.get("columnCount", tab.column_count))

    def _about(self) -> dict[str, object]:
        return {
            "spreadsheetId": self.sheet_id,
            "properties": {"title": "Sandbox", "locale": "en_US", "timeZone": "Etc/UTC"},
            "sheets": [
                {
                    "properties": {
                        "sheetId": tab.number,
                        "title": tab.title,
                        "index": tab.number,
                        "sheetType": "GRID",
                        "gridProperties": {
                            "rowCount": tab.row_count,
                            "columnCount": tab.column_count,
                        },
                    }
                }
                for tab in self.tabs.values()
            ],
        }


def _read(tab: Tab, where: SheetRange, name: str, dimension: str) -> WorldAnswer:
    rows = [
        _trimmed([_shown(cell) for cell in row[where.first_column : where.end_column]])
        for row in tab.rows[where.first_row : where.end_row]
    ]
    while rows and not rows[-1]:
        rows.pop()
    if dimension == "COLUMNS":
        rows = _turned(rows)
    found: dict[str, object] = {"range": name, "majorDimension": dimension}
    return ok(found | {"values": rows} if rows else found)


def _turned(rows: list[list[str]]) -> list[list[str]]:
    width = max((len(row) for row in rows), default=0)
    return [
        _trimmed([row[column] if column < len(row) else "" for row in rows])
        for column in range(width)
    ]


def _trimmed(cells: list[str]) -> list[str]:
    """Without the empty ones at the end, as the vendor."""
    while cells and cells[-1] == "":
        cells = cells[:-1]
    return cells


def _shown(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).upper()
        case _:
            return str(cell)


def _error(status: int, word: str, message: str) -> WorldAnswer:
    return answer(status, {"error": {"code": status, "message": message, "status": word}})


def _invalid(message: str) -> WorldAnswer:
    return _error(400, "INVALID_ARGUMENT", message)


_NOT_FOUND = _error(404, "NOT_FOUND", "Requested entity was not found.")


def _exhausted(limit: str) -> WorldAnswer:
    message = f"Quota exceeded for quota metric 'Write requests' and limit '{limit}'."
    return _error(429, "RESOURCE_EXHAUSTED", message)


_REFUSALS: Mapping[FaultKind, WorldAnswer] = {
    FaultKind.UNAVAILABLE: _error(503, "UNAVAILABLE", "The service is currently unavailable."),
    FaultKind.BUSY: _exhausted("Write requests per minute per user"),
    FaultKind.CREDENTIALS: _error(
        401, "UNAUTHENTICATED", "Request had invalid authentication credentials."
    ),
    FaultKind.QUOTA: _exhausted("Write requests per minute"),  # it has no other; this one stays
}
