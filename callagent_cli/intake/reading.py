"""Rows become contacts, one pass.

Called by: intake.contacts. Invariant: a row that is rejected leaves no trace, so that it shadows
no later one.
"""

import re

from callagent_cli.domain.contact import Contact, DuplicateRow, RejectedRow, mask_phone
from callagent_cli.domain.text import clean
from callagent_cli.eligibility.zones import UnknownZone, zone_named
from callagent_cli.intake.first_seen import FirstSeen, key_of
from callagent_cli.intake.header import Header
from callagent_cli.intake.phone import BadPhone, read_phone
from callagent_cli.intake.rejects import shown
from callagent_cli.intake.table import BrokenRow, Row, Table

_LONGEST = {"name": 80, "email": 254, "language": 35, "id": 100, "timezone": 60, "consent": 20}
_LONGEST_VARIABLE = 500  # characters
_BRACES = re.compile(r"[{}]{2,}")  # in pairs they would name a variable of the agent
_YES = frozenset({"yes", "y", "true", "t", "1", "on", "granted", "opt-in", "opted in"})
_NO = frozenset({"no", "n", "false", "f", "0", "off", "denied", "opt-out", "opted out"})


class _Reject(Exception):
    """Ends the reading of one row."""

    def __init__(self, field_name: str, reason: str, fix: str, value: str | None = None) -> None:
        super().__init__(reason)
        self.field_name, self.reason, self.fix, self.value = field_name, reason, fix, value


class Reading:
    """One pass over the rows: what was seen so far.

    region: ISO 3166 code for numbers without a country code.
    """

    def __init__(self, table: Table, header: Header, region: str) -> None:
        self._table, self._header, self._region = table, header, region
        self._numbers, self._ids = FirstSeen(), FirstSeen()

    def take(self, row: Row | BrokenRow) -> Contact | RejectedRow | None:
        """None for an empty row."""
        if isinstance(row, BrokenRow):
            return RejectedRow(row.line, "", "", row.reason, row.fix)
        if not any(row.cells) or not any(cell.strip() for cell in row.cells):
            return None
        try:
            return self._contact(row)
        except _Reject as reject:
            return self._rejected(row, reject)

    def _contact(self, row: Row) -> Contact | DuplicateRow:
        cells = self._squared(row)
        phone = read_phone(cells[self._header.fields["phone"]], self._region)
        if isinstance(phone, BadPhone):
            raise _Reject("phone", phone.reason, phone.fix)
        named = {name: self._cell(cells, name) for name in _LONGEST}
        contact = Contact(
            id=named["id"] or phone,
            phone=phone,
            name=named["name"],
            email=named["email"],
            language=named["language"],
            timezone=_timezone(named["timezone"]),
            consent=_consent(named["consent"]),
            variables={
                name: _value(cells[at], _LONGEST_VARIABLE) for at, name in self._header.variables
            },
            line=row.line,
        )
        return self._duplicate(contact) or self._first(contact)

    def _squared(self, row: Row) -> list[str]:
        """As many cells as the header has. Raises _Reject when more of them say something."""
        width, cells = len(self._header.spelled), list(row.cells)
        if any(cell.strip() for cell in cells[width:]):
            raise _Reject(
                "",
                f"{len(cells)} cells, but the header has {width}",
                "put cells that hold the delimiter in double quotes"
                if self._table.unit == "line"
                else "give the last columns a header, or empty them",
                "",
            )
        return cells + [""] * (width - len(cells))

    def _cell(self, cells: list[str], name: str) -> str:
        at = self._header.fields.get(name)
        return "" if at is None else _value(cells[at], _LONGEST[name])

    def _duplicate(self, contact: Contact) -> DuplicateRow | None:
        first = self._numbers.line_of(int(contact.phone[1:]))
        if first is None:
            return None
        return DuplicateRow(
            contact.line,
            self._column(self._header.fields["phone"]),
            mask_phone(contact.phone),
            f"duplicate of {self._table.unit} {first}",
            "nothing to do: the number is called once, with the fields of its first row",
        )

    def _first(self, contact: Contact) -> Contact:
        """Remember a row that is the first of its number. A rejected one leaves no trace."""
        if contact.id != contact.phone:
            self._remember_id(contact)
        self._numbers.add(int(contact.phone[1:]), contact.line)
        return contact

    def _remember_id(self, contact: Contact) -> None:
        if re.fullmatch(r"\+\d{7,15}", contact.id):
            raise _Reject("id", "the id is another phone number", "give the row an id of its own")
        key = key_of(contact.id)
        first = self._ids.line_of(key)
        if first is not None:
            reason = f"{self._table.unit} {first} has the same id and another number"
            raise _Reject("id", reason, "give each contact an id of its own")
        self._ids.add(key, contact.line)

    def _rejected(self, row: Row, reject: _Reject) -> RejectedRow:
        at = self._header.fields.get(reject.field_name)
        column = "" if at is None else self._column(at)
        cell = "" if at is None or at >= len(row.cells) else row.cells[at]
        is_phone = reject.field_name == "phone"
        value = mask_phone(clean(cell, 40)) if is_phone else shown(cell)
        return RejectedRow(row.line, column, value, reject.reason, reject.fix)

    def _column(self, at: int) -> str:
        return self._table.column(at, self._header.spelled[at])


def _value(cell: str, max_len: int) -> str:
    text = clean(cell, max_len)
    return _BRACES.sub("", text).strip() if "{" in text or "}" in text else text


def _timezone(name: str) -> str:
    try:
        return zone_named(name).key if name else ""
    except UnknownZone as error:
        raise _Reject("timezone", "not the name of a time zone", str(error)) from error


def _consent(word: str) -> bool | None:
    match word.lower():
        case "":
            return None
        case said if said in _YES:
            return True
        case said if said in _NO:
            return False
        case _:
            raise _Reject("consent", "neither yes nor no", "write yes, no, or leave it empty")
