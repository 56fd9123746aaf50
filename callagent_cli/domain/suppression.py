"""Somebody who must not be called."""

from dataclasses import dataclass
from datetime import date, datetime

BY_PERSON = "person"  # somebody of ours noted it
IN_CALL = "call"  # said in a call
BY_WISH = "forgotten"  # the person wished to be forgotten
LIST_PREFIX = "list:"  # an imported list
_WORDS = {
    IN_CALL: "said in a call",
    BY_PERSON: "noted by hand",
    BY_WISH: "forgotten at their wish",
}


@dataclass(frozen=True, slots=True)
class Suppression:
    """One reason for which a number is on the do-not-call list; it may have several."""

    source: str  # `person`, `call`, `forgotten` or `list:<name>`
    added_at: datetime  # aware UTC
    reason: str = ""
    phone: str = ""  # E.164; empty: the person was forgotten, only a salted hash is left
    campaign: str = ""
    by: str = ""

    @property
    def where(self) -> str:
        """In words, as a reason of a verdict names it."""
        if self.source.startswith(LIST_PREFIX):
            return f"the list {self.source.removeprefix(LIST_PREFIX)}"
        return _WORDS[self.source]


@dataclass(frozen=True, slots=True)
class NumberList:
    """An imported list of numbers, as it was at a date."""

    name: str
    as_of: date
    imported_at: datetime  # aware UTC
    numbers: int
    sha256: str  # of the file
