"""A table looked at by itself: what it holds, and what would make it better. Nothing is kept."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from callagent_cli.domain.contact import (
    Contact,
    DuplicateRow,
    RejectedRow,
    mask_phone,
    mask_phones,
)
from callagent_cli.eligibility.whereabouts import whereabouts
from callagent_cli.intake.contacts import ContactsFile, IntakeCounts
from callagent_cli.intake.header import PHONE_NAMES

T = TypeVar("T")

_SHOWN_CONTACTS = 5
_MOST_ROWS = 1000  # rejected, and as many duplicates; all are counted


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run with the settings would ask of the table."""

    consent: bool = False
    max_zones: int | None = None  # of one contact, where calls keep to its clock
    variables: Collection[str] = ()  # that the script names


@dataclass(frozen=True, slots=True)
class Suggestion:
    what: str
    fix: str


@dataclass(slots=True)
class Examination:
    """The first contacts, masked, and the first faulty rows; `counts` counts all."""

    first: list[Contact] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    duplicates: list[RejectedRow] = field(default_factory=list)
    counts: IntakeCounts = field(default_factory=IntakeCounts)
    suggestions: list[Suggestion] = field(default_factory=list)


def examine(
    file: ContactsFile, rows: Iterator[Contact | RejectedRow], needs: Needs
) -> Examination:
    """rows: of one iteration over `file`. Memory does not grow with them."""
    found, tally = Examination(), _Tally()
    for row in rows:
        if isinstance(row, Contact):
            tally.add(row, needs)
            _keep(_masked(row), found.first, _SHOWN_CONTACTS)
        else:
            is_duplicate = isinstance(row, DuplicateRow)
            _keep(row, found.duplicates if is_duplicate else found.rejected, _MOST_ROWS)
    found.counts = file.counts
    found.suggestions = list(_suggestions(file, tally, needs))
    return found


def _keep(row: T, kept: list[T], most: int) -> None:
    if len(kept) < most:
        kept.append(row)


def _masked(contact: Contact) -> Contact:
    """As people are shown it: enough to recognise it, too little to dial it."""
    told = {
        name: mask_phone(value) if name in PHONE_NAMES else mask_phones(value)
        for name, value in contact.variables.items()
    }
    return replace(
        contact, id=mask_phones(contact.id), phone=mask_phone(contact.phone), variables=told
    )


class _Tally:
    """Contacts that lack something."""

    def __init__(self) -> None:
        self.contacts = self.no_zone = self.several_zones = self.no_consent = 0
        self.empty: Counter[str] = Counter()  # variable → contacts without a value

    def add(self, contact: Contact, needs: Needs) -> None:
        self.contacts += 1
        self.no_consent += contact.consent is None
        if needs.max_zones is not None:
            zones = len(whereabouts(contact).zones)
            is_known = 0 < zones <= needs.max_zones
            self.no_zone += not is_known
            self.several_zones += is_known and zones > 1
        told = {"name": contact.name, "email": contact.email, "language": contact.language}
        for name, value in {**told, **contact.variables}.items():
            self.empty[name] += not value


def _suggestions(file: ContactsFile, tally: _Tally, needs: Needs) -> Iterator[Suggestion]:
    if not tally.contacts:
        yield Suggestion("no row is a contact that can be called", "see the rejected rows")
        return
    yield from _of_zones(file, tally)
    yield from _of_consent(file, tally, needs)
    yield from _of_variables(file, tally, needs)
    if any(not spelled for spelled in file.header.spelled):
        yield Suggestion("a column has no header, so it is not read", "name it, or delete it")


def _of_zones(file: ContactsFile, tally: _Tally) -> Iterator[Suggestion]:
    fix = (
        "fill in its empty cells"
        if "timezone" in file.header.fields
        else "add a column `timezone`, such as America/New_York, or `state` or `postcode`"
    )
    if tally.no_zone:
        yield Suggestion(
            f"{_count(tally.no_zone)} without a known time zone: held, never called", fix
        )
    if tally.several_zones:
        what = f"{_count(tally.several_zones)} in one of several time zones"
        yield Suggestion(f"{what}: called only while all of them allow it", fix)


def _of_consent(file: ContactsFile, tally: _Tally, needs: Needs) -> Iterator[Suggestion]:
    if not needs.consent:
        return
    if "consent" not in file.header.fields:
        yield Suggestion(
            "campaign.require_consent is on and no column says who agreed: nobody is called",
            "add a column `consent` with yes or no",
        )
    elif tally.no_consent:
        yield Suggestion(
            f"{_count(tally.no_consent)} without a word on consent: not called",
            "fill in yes or no",
        )


def _of_variables(file: ContactsFile, tally: _Tally, needs: Needs) -> Iterator[Suggestion]:
    for name in needs.variables:
        if name not in file.columns:
            yield Suggestion(
                f"the script names {name!r}, and no column has it",
                f"add a column {name!r}, or map one in campaign.columns",
            )
        elif tally.empty[name]:
            yield Suggestion(
                f"the script names {name!r}: empty for {_count(tally.empty[name])}",
                "fill it in, or word the script so that it reads well without",
            )
    for name in file.columns:
        if tally.empty[name] == tally.contacts and name not in needs.variables:
            yield Suggestion(f"column {name!r} is empty in every row", "fill it in, or delete it")


def _count(n: int) -> str:
    return f"{n:,} contact{'' if n == 1 else 's'}"
