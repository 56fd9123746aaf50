"""Is it a kind of number that may be called?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

import phonenumbers
from phonenumbers import PhoneNumberType

from callagent_cli.eligibility.verdicts import Evidence, Held, Skipped
from callagent_cli.ledger.records import Candidate

# Source: 47 CFR 64.1200(a)(1) bars lines that charge the person called. Emergency and short
# numbers have no international form: the intake rejects them.
_NAMES: Mapping[int, str] = {
    PhoneNumberType.PREMIUM_RATE: "premium-rate",
    PhoneNumberType.SHARED_COST: "shared-cost",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company-wide",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.TOLL_FREE: "toll-free",
}


@dataclass(frozen=True, slots=True)
class NumberTypeGate:
    """Numbers that charge the person called, or that no single person answers."""

    name: ClassVar[str] = "kind of number"

    allowed: frozenset[str] = frozenset()  # names of kinds that may be called all the same

    def refuse(self, candidate: Candidate, now: datetime) -> Held | Skipped | None:
        kind = kind_of(candidate.contact.phone)
        if kind is None or kind in self.allowed:
            return None
        if kind == "toll-free":
            remedy = "give the person's own number, or add toll-free to campaign.number_types"
            return Held(None, f"a toll-free number: {remedy}")
        return Skipped(f"a {kind} number is not called")

    def evidence(self, candidate: Candidate, now: datetime) -> Evidence:
        return {"number_type": kind_of(candidate.contact.phone) or "ordinary"}


@lru_cache(maxsize=4096)
def kind_of(phone: str) -> str | None:
    """The kind of a number that needs leave to be called; None for an ordinary one."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
    return _NAMES.get(phonenumbers.number_type(number))


KINDS = tuple(_NAMES.values())
