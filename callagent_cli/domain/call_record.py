"""One call as the systems around it are told: the form in which an outcome is owed to a CRM."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Self


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Flat and JSON-safe, but for the times. Numbers are not masked: the CRM has them."""

    attempt_id: str
    attempt_no: int
    campaign: str
    contact_id: str
    phone: str  # E.164
    name: str
    email: str
    crm_id: str  # empty when the CRM was not asked, was down, or does not know the contact
    conversation_id: str
    disposition: str
    started_at: datetime  # aware UTC
    ended_at: datetime
    duration_s: float
    cost_usd: float | None
    summary: str  # cleaned
    error: str  # cleaned
    collected: Mapping[str, str] = field(default_factory=dict)  # cleaned

    def as_data(self) -> dict[str, object]:
        times = {"started_at": self.started_at.isoformat(), "ended_at": self.ended_at.isoformat()}
        return {**asdict(self), "collected": dict(self.collected), **times}

    @classmethod
    def of_data(cls, data: Mapping[str, object]) -> Self:
        """The opposite of `as_data`."""
        times = {
            name: datetime.fromisoformat(str(data[name])) for name in ("started_at", "ended_at")
        }
        return cls(**{**data, **times})  # type: ignore[arg-type]  # as `as_data` wrote it
