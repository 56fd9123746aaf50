"""The contacts file becomes contacts and rejected rows, one at a time.

Called by: the commands, through `read_contacts`. Invariant: every row is accounted for as a
contact, a rejected row, a duplicate or an empty row; memory grows by some 24 bytes a row.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callagent_cli.domain.contact import Contact, DuplicateRow, RejectedRow, mask_phone
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import clean
from callagent_cli.eligibility.zones import UnknownZone, zone_named
from callagent_cli.intake.delimited import (
    HEAD_CHARS,
    BrokenRow,
    Row,
    UnclosedQuote,
    find_delimiter,
    read_rows,
)
from callagent_cli.intake.first_seen import FirstSeen, key_of
from callagent_cli.intake.header import PHONE_NAMES, Header, read_header, snake
from callagent_cli.intake.phone import BadPhone, is_region, read_phone
from callagent_cli.intake.rejects import shown
from callagent_cli.intake.text_file import ContactsText, changed, look_at, name_of

_LONGEST = {"name": 80, "email": 254, "language": 35, "id": 100, "timezone": 60, "consent": 20}
_LONGEST_VARIABLE = 500  # characters
_BRACES = re.compile(r"[{}]{2,}")  # in pairs they would name a variable of the agent
_YES = frozenset({"yes", "y", "true", "t", "1", "on", "granted", "opt-in", "opted in"})
_NO = frozenset({"no", "n", "false", "f", "0", "off", "denied", "opt-out", "opted out"})


@dataclass(slots=True)
class IntakeCounts:
    """Rows of one reading; final when the iteration is over."""

    contacts: int = 0
    rejected: int = 0
    duplicates: int = 0
    empty: int = 0


@dataclass(slots=True)
class ContactsFile:
    """A contacts file whose header was understood. Iterate for its rows, as often as needed."""

    path: Path
    encoding: str
    delimiter: str
    columns: tuple[str, ...]  # names of everything the agent may be told
    counts: IntakeCounts = field(default_factory=IntakeCounts)
    _text: ContactsText = field(kw_only=True)
    _header: Header = field(kw_only=True)
    _header_line: int = field(kw_only=True)
    _region: str = field(kw_only=True)

    def __iter__(self) -> Iterator[Contact | RejectedRow]:
        """Raises InputError when the file cannot be read on, or changed meanwhile."""
        self.counts = counts = IntakeCounts()
        reading = _Reading(self._header, self._region)
        for row in _rows(self._text, self.delimiter):
            if row.line <= self._header_line:
                continue
            match reading.take(row):
                case None:
                    counts.empty += 1
                    continue
                case DuplicateRow() as taken:
                    counts.duplicates += 1
                case RejectedRow() as taken:
                    counts.rejected += 1
                case taken:
                    counts.contacts += 1
            yield taken


def read_contacts(
    path: Path,
    *,
    default_region: str,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> ContactsFile:
    """Look at a contacts file and understand its header; its rows are read by iterating.

    default_region: ISO 3166 code for numbers without a country code; columns: our name → the
    file's; encoding, delimiter: found by looking when None. Raises InputError for a file that
    cannot be read at all: it says where, and what to do.
    """
    if not is_region(default_region):
        raise InputError(
            f"campaign.default_region: there is no region {shown(default_region, 20)!r}",
            hint="two letters, such as US, GB, DE",
        )
    wanted = columns or {}
    text = look_at(path, encoding)
    separator = _known_delimiter(delimiter) if delimiter else _find_delimiter(text, wanted)
    head, has_rows = _first_rows(text, separator)
    header = read_header(head.cells, wanted, file=name_of(path), line=head.line)
    if not has_rows:
        raise InputError(
            f"{name_of(path)} has a header and no rows", hint="add one row for each contact"
        )
    return ContactsFile(
        path,
        text.encoding,
        separator,
        header.columns,
        _text=text,
        _header=header,
        _header_line=head.line,
        _region=default_region,
    )


def _known_delimiter(given: str) -> str:
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputError(
            f"campaign.csv.delimiter: {shown(given, 20)!r} cannot separate cells",
            hint='one character, such as "," or ";", or tab',
        )
    return delimiter


def _find_delimiter(text: ContactsText, columns: Mapping[str, str]) -> str:
    wanted = {*PHONE_NAMES, *(snake(theirs) for theirs in columns.values())}
    with text.open() as stream:
        return find_delimiter(stream.read(HEAD_CHARS), lambda cell: snake(cell) in wanted)


def _first_rows(text: ContactsText, delimiter: str) -> tuple[Row, bool]:
    """The header, and whether a row that is not empty follows it."""
    head: Row | None = None
    for row in _rows(text, delimiter):
        if isinstance(row, BrokenRow):
            if head is None:
                where = f"{name_of(text.path)} line {row.line}"
                raise InputError(f"{where}: {row.reason}", hint=row.fix)
            return head, True
        if not any(cell.strip() for cell in row.cells):
            continue
        if head is not None:
            return head, True
        head = row
    if head is None:
        raise InputError(
            f"{name_of(text.path)} has nothing but empty lines",
            hint="it needs a header row and one row for each contact",
        )
    return head, False


def _rows(text: ContactsText, delimiter: str) -> Iterator[Row | BrokenRow]:
    with text.open() as stream:
        try:
            yield from read_rows(stream, delimiter)
        except UnclosedQuote as error:
            raise InputError(
                f"{name_of(text.path)} line {error.line}: a quote is opened and not closed",
                hint='close it; quotes inside a quoted cell are written twice: "5"" pipe"',
            ) from error
        except UnicodeDecodeError as error:  # it was good text when it was looked at
            raise changed(text.path) from error
        text.check_unchanged(stream)


class _Reject(Exception):
    """Ends the reading of one row."""

    def __init__(self, field_name: str, reason: str, fix: str, value: str | None = None) -> None:
        super().__init__(reason)
        self.field_name, self.reason, self.fix, self.value = field_name, reason, fix, value


class _Reading:
    """One pass over the rows: what was seen so far."""

    def __init__(self, header: Header, region: str) -> None:
        self._header, self._region = header, region
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
                "put cells that hold the delimiter in double quotes",
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
            self._header.spelled[self._header.fields["phone"]],
            mask_phone(contact.phone),
            f"duplicate of line {first}",
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
            reason = f"line {first} has the same id and another number"
            raise _Reject("id", reason, "give each contact an id of its own")
        self._ids.add(key, contact.line)

    def _rejected(self, row: Row, reject: _Reject) -> RejectedRow:
        at = self._header.fields.get(reject.field_name)
        column = "" if at is None else self._header.spelled[at]
        cell = "" if at is None or at >= len(row.cells) else row.cells[at]
        is_phone = reject.field_name == "phone"
        value = mask_phone(clean(cell, 40)) if is_phone else shown(cell)
        return RejectedRow(row.line, column, value, reject.reason, reject.fix)


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
