"""By which names the log, the sheet and what is told to people know a person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from callagent_cli.domain.contact import mask_phones

GONE = "forgotten"  # stands where a name stood


@dataclass(frozen=True, slots=True)
class Traces:
    contacts: frozenset[tuple[str, str]]  # campaign and contact id
    calls: frozenset[str]  # ids of their attempts, and the provider's ids of the conversations
    masked_phone: str

    @property
    def names(self) -> set[str]:
        ids = {_as_logged(contact_id) for _, contact_id in self.contacts}
        return {name for name in (*ids, self.masked_phone) if name}

    def is_theirs(self, text: str, fields: Mapping[str, object]) -> bool:
        """text: the whole line of an event. One that names nobody but a masked number may be
        another person's: it counts all the same."""
        if any(call in text for call in self.calls):
            return True
        contact_id = _as_logged(fields.get("contact_id"))
        if not contact_id:
            return _as_logged(fields.get("phone")) == self.masked_phone
        return any(
            contact_id == _as_logged(theirs) and fields.get("campaign") in (None, "", campaign)
            for campaign, theirs in self.contacts
        )

    def taken_out_of(self, text: str) -> str:
        words = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{words})(?!\w)", GONE, text)


def _as_logged(value: object) -> str:
    """As the log shows it, and without the sign that keeps a spreadsheet from running a cell."""
    return mask_phones(str(value or "")).removeprefix("'")
