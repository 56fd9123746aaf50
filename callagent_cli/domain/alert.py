"""What a person must hear of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class AlertKind(StrEnum):
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_ONGOING = "incident_ongoing"
    INCIDENT_RECOVERED = "incident_recovered"
    CALL_FAILED = "call_failed"
    CALLS_FAILED_DIGEST = "calls_failed_digest"
    IN_DOUBT = "in_doubt"
    GIVEN_UP = "given_up"  # messages that their destination will never take
    REFUSED = "refused"  # credentials, quota, money
    HALTED = "halted"  # too many calls of a run fail
    CAMPAIGN_FINISHED = "campaign_finished"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message to a person. No secrets, no full phone numbers."""

    key: str  # stable: the same alert sent twice has the same key
    kind: AlertKind
    at: datetime  # aware UTC
    service: str  # empty when none is at fault
    title: str  # one line
    happened: str  # what, and since when
    meaning: str  # for the campaign
    automatic: str  # what callagent does by itself
    todo: str  # what the reader should do
    command: str = ""  # to type; may be empty


class AlertChannel(Protocol):
    """Hands alerts to a person."""

    name: str

    def send(self, alert: Alert) -> None:
        """Deliver one alert or raise domain.errors.ServiceError."""
        ...


@dataclass(frozen=True, slots=True)
class Incident:
    """An outage that a person was told of, as it stands."""

    service: str
    is_refusal: bool  # a person must act, not time
    opened_at: datetime  # aware UTC
    told_at: datetime  # when a person last heard of it
    error: str
    repeats: int = 0  # reminders sent
    counts: Mapping[str, int] = field(default_factory=dict)  # what followed from it


class AlertBook(Protocol):
    """Keeps what is owed to people, so that a crash neither loses nor doubles it."""

    def open_incidents(self) -> list[Incident]:
        """What earlier runs told and nobody has seen end."""
        ...

    def keep(self, alerts: Sequence[Alert], incidents: Sequence[Incident]) -> None:
        """Owe the alerts to their channels. `incidents`: all that are open now; others have
        ended."""
        ...
