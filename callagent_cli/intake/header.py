"""What the columns of a contacts file are: the header row, read once.

Called by: intake.contacts. Invariant: each column has one meaning or the file is refused; which of
two columns holds the number is asked, not guessed.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from callagent_cli.domain.errors import InputError
from callagent_cli.intake.rejects import shown

PHONE_NAMES = ("phone", "phone_number", "telephone", "tel", "mobile", "number", "to")
_OTHER_NAMES = {
    "id": ("id",),
    "name": ("name",),
    "email": ("email", "e_mail"),
    "language": ("language",),
    "timezone": ("timezone", "time_zone"),
    "consent": ("consent",),
}
_SPOKEN = ("name", "email", "language")  # fields that the agent is told too
_RESERVED = ("system__", "secret__", "callagent_")  # the provider's, and our own
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Header:
    """Where each field of a contact stands in a row."""

    spelled: tuple[str, ...]  # as the file has them, cleaned
    fields: Mapping[str, int]  # phone, and those of id, name, email, … that the file has
    variables: tuple[tuple[int, str], ...]  # position and name of every other column

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of everything the agent may be told, in the file's order."""
        told = [(at, name) for name, at in self.fields.items() if name in _SPOKEN]
        return tuple(name for _, name in sorted([*told, *self.variables]))


def snake(text: str) -> str:
    """`Phone Number` → `phone_number`; empty when nothing of it can stand in a name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST_NAME]
    return f"_{name}" if name[:1].isdigit() else name


def names_phone(columns: Mapping[str, str]) -> Callable[[str], bool]:
    """Whether a cell is what the phone column is called."""
    theirs = columns.get("phone", "").strip().casefold()
    if theirs:
        return lambda cell: shown(cell, _LONGEST_NAME).casefold() == theirs
    return lambda cell: snake(cell) in PHONE_NAMES


def read_header(
    cells: Sequence[str],
    columns: Mapping[str, str],
    *,
    where: str,
    place: Callable[[int], str],
) -> Header:
    """Sort out the columns. columns: our name → the file's, from the config; where: the table
    and the row, for messages; place: what a column is called there, by its index.

    Raises InputError: no phone column, two that could be it, a name twice, a reserved name.
    """
    columns_seen = _Columns(where, cells, place)
    columns_seen.check_names(columns)
    for ours, theirs in columns.items():
        columns_seen.take_named(ours, theirs)
    if "phone" not in columns_seen.taken.values():
        columns_seen.take(columns_seen.phone(), "phone")
    for name, spellings in _OTHER_NAMES.items():
        if name not in columns_seen.taken.values():
            columns_seen.take_if_there(name, spellings)
    columns_seen.take_rest()
    return columns_seen.header()


class _Columns:
    """The columns of one file, each given its meaning in turn."""

    def __init__(self, where: str, cells: Sequence[str], place: Callable[[int], str]) -> None:
        self._where, self._cells, self._place = where, cells, place
        self._spelled = tuple(shown(cell, _LONGEST_NAME) for cell in cells)
        self._names = [snake(cell) or _stand_in(cell, n) for n, cell in enumerate(cells, start=1)]
        self.taken: dict[int, str] = {}  # position → field or variable

    def check_names(self, columns: Mapping[str, str]) -> None:
        for at, name in enumerate(self._names):
            first = self._names.index(name)
            if name and first != at:
                two = f"{self._spelled[first]!r} and {self._spelled[at]!r}"
                which = f"columns {self._place(first)} and {self._place(at)}"
                raise self._error(
                    f"two columns have one name: {two} ({which})", "rename or delete one of them"
                )
        for name in (*self._cells, *self._names, *columns):
            if name.strip().lower().startswith(_RESERVED):
                reserved = ", ".join(_RESERVED)
                raise self._error(
                    f"column {shown(name)!r}: names that begin with {reserved} are reserved",
                    "rename the column",
                )

    def take(self, at: int, name: str) -> None:
        self.taken[at] = name

    def take_named(self, ours: str, theirs: str) -> None:
        """What the config says. Raises InputError when the file has no such column."""
        wanted = theirs.strip().casefold()
        spelled = [name.casefold() for name in self._spelled]
        if not wanted or wanted not in spelled:
            near = get_close_matches(wanted, spelled, n=1)
            raise self._error(
                f"no column {theirs!r}, which campaign.columns names for {ours!r};"
                f" the file has: {self._seen()}",
                f"did you mean {self._spelled[spelled.index(near[0])]!r}?"
                if near
                else "correct campaign.columns",
            )
        self.take(spelled.index(wanted), ours)

    def take_if_there(self, name: str, spellings: Sequence[str]) -> None:
        at = next((self._free()[known] for known in spellings if known in self._free()), None)
        if at is not None:
            self.take(at, name)

    def take_rest(self) -> None:
        """Every other column is a variable. A name that is taken gets a `_2`."""
        for own, at in self._free().items():
            self.take(at, f"{own}_2" if own in self.taken.values() else own)

    def phone(self) -> int:
        free = self._free()
        found = [name for name in PHONE_NAMES if name in free]
        if not found:
            raise self._error(f"no phone column; the file has: {self._seen()}", self._advice())
        if len(found) > 1 and found[0] != "phone":
            spelled = [self._spelled[free[name]] for name in found]
            raise self._error(
                f"{' and '.join(map(repr, spelled))} could both hold the number to call",
                f"say which: campaign.columns: {{phone: {spelled[0]}}}",
            )
        return free[found[0]]

    def header(self) -> Header:
        is_field = {"phone", *_OTHER_NAMES}
        return Header(
            self._spelled,
            {name: at for at, name in self.taken.items() if name in is_field},
            tuple(sorted((at, name) for at, name in self.taken.items() if name not in is_field)),
        )

    def _free(self) -> dict[str, int]:
        """Names without a meaning yet; a column without a name never gets one."""
        named = enumerate(self._names)
        return {name: at for at, name in named if name and at not in self.taken}

    def _error(self, what: str, hint: str) -> InputError:
        return InputError(f"{self._where}: {what}", hint=hint)

    def _seen(self) -> str:
        listed = ", ".join(name or "(no name)" for name in self._spelled[:20])
        return f"{listed}, …" if len(self._spelled) > 20 else listed

    def _advice(self) -> str:
        if any(re.fullmatch(r"\+?[\d\s()*.-]{7,}", name) for name in self._spelled):
            return "the first row looks like a contact: put a header above it, such as phone,name"
        near = _nearest_phone_name(self._names)
        if near is not None:
            spelled = self._spelled[self._names.index(near)]
            return f"if {spelled!r} holds it: campaign.columns: {{phone: {spelled}}}"
        if len(self._spelled) == 1:
            return "if the columns ran together, set campaign.csv.delimiter"
        return "call the column phone, or set campaign.columns: {phone: its name}"


def _stand_in(cell: str, column_no: int) -> str:
    """A name for a header in another script; a column without any header says nothing."""
    return f"column_{column_no}" if cell.strip() else ""


def _nearest_phone_name(names: Sequence[str]) -> str | None:
    for known in PHONE_NAMES[:5]:
        near = get_close_matches(known, names, n=1, cutoff=0.7)
        if near:
            return near[0]
    return next((name for name in names if re.search("phone|mobile|tel", name)), None)
