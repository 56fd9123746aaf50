"""Where the contacts come from, as it was typed: a file, stdin, or a sheet at Google's.

Invariant: only a file gives a campaign its name; a sheet that is renamed must not become another
campaign, which would call everybody again.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import clean

GOOGLE = "docs.google.com"
_DOCUMENT = re.compile(r"/spreadsheets/(?:u/\d+/)?d/(?P<id>[\w-]{5,200})(?:/(?P<verb>\w+))?/?")
_PUBLISHED = re.compile(r"/spreadsheets/d/e/(?P<id>[\w-]{5,200})/(?:pub|pubhtml)/?")
_ID = re.compile(r"[\w-]{5,200}", re.ASCII)
_WAYS = (
    "name a file, - for stdin, gsheet:ID, or the address of a Google Sheet"
    " (https://docs.google.com/spreadsheets/…)"
)


@dataclass(frozen=True, slots=True)
class ContactsPath:
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        """What the campaign is called after."""
        is_packed = self.path.suffix.lower() == ".gz"
        return Path(self.path.stem).stem if is_packed else self.path.stem


@dataclass(frozen=True, slots=True)
class Stdin:
    name = "stdin"
    stem = ""


@dataclass(frozen=True, slots=True)
class GoogleSheet:
    """Read as the service account. tab_id: `gid` of the address."""

    sheet_id: str
    worksheet: str | None = None
    tab_id: int | None = None
    stem = ""

    @property
    def name(self) -> str:
        return f"gsheet:{self.sheet_id}"


@dataclass(frozen=True, slots=True)
class PublishedSheet:
    """Read as CSV, as anybody may. path: at Google's, with its query."""

    path: str
    name = "published sheet"
    stem = ""


Source = ContactsPath | Stdin | GoogleSheet | PublishedSheet


def source_of(typed: str) -> Source:
    """Raises InputError for an address that is no Google Sheet's."""
    if typed == "-":
        return Stdin()
    if typed.startswith("gsheet:"):
        return _by_id(typed.removeprefix("gsheet:"))
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", typed):
        return _by_address(typed)
    return ContactsPath(Path(typed))


def _by_id(typed: str) -> GoogleSheet:
    sheet_id, _, worksheet = typed.partition("/")
    if not _ID.fullmatch(sheet_id):
        raise InputError(
            f"{clean(sheet_id, 40)!r} is no id of a Google Sheet",
            hint="it stands in the sheet's address, between /d/ and /edit; then: gsheet:ID/TAB",
        )
    return GoogleSheet(sheet_id, unquote(worksheet) or None)


def _by_address(typed: str) -> Source:
    try:
        address = urlsplit(typed)
    except ValueError:
        raise InputError("this address is not one of the web", hint=_WAYS) from None
    if address.scheme.lower() != "https" or address.netloc.lower() != GOOGLE:
        where = clean(f"{address.scheme}://{address.hostname or ''}", 80)  # nothing secret in it
        raise InputError(f"contacts are not read from {where}", hint=_WAYS)
    said = {**parse_qs(address.query), **parse_qs(address.fragment)}
    tab = said.get("gid", [""])[0]
    if published := _PUBLISHED.fullmatch(address.path):
        return _published(f"/spreadsheets/d/e/{published['id']}/pub", "output", tab)
    document = _DOCUMENT.fullmatch(address.path)
    if document is None:
        raise InputError("this address at Google's is not of a sheet", hint=_WAYS)
    if document["verb"] == "export":
        return _published(f"/spreadsheets/d/{document['id']}/export", "format", tab)
    return GoogleSheet(document["id"], tab_id=int(tab) if tab.isdecimal() else None)


def _published(path: str, form: str, tab: str) -> PublishedSheet:
    query = {form: "csv", **({"gid": tab, "single": "true"} if tab.isdecimal() else {})}
    return PublishedSheet(f"{path}?{urlencode(query)}")
