"""The figures of a report: what each means, and its shape in `report --json`.

Every number that a table, a chart or the page shows is one of these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Reach:
    """How many of the calls that ended were answered by a person."""

    calls: int
    answered: int
    reach: float  # answered of calls, 0 to 1


@dataclass(frozen=True, slots=True)
class AttemptReach(Reach):
    attempt_no: int


@dataclass(frozen=True, slots=True)
class HourReach(Reach):
    hour: int | None  # of the contact's own day; None: it may be in zones that differ


@dataclass(frozen=True, slots=True)
class Period:
    """Calls that began in it, by how they ended."""

    begins_at: datetime
    ends_at: datetime
    calls: int
    dispositions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the provider has reported so far; None where it reported nothing."""

    total_usd: float | None
    per_call_usd: float | None
    per_answered_usd: float | None
    by_disposition: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """Contacts that failed technically, for one cause."""

    cause: str
    category: str
    contacts: int
    remedy: str


@dataclass(frozen=True, slots=True)
class RunFigures:
    run_id: str
    started_at: datetime
    ended_at: datetime | None  # None: it goes on, or it was killed
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class Outage:
    """An incident that a person was told of, while runs of the campaign were on."""

    service: str
    is_refusal: bool  # a person must act, not time
    opened_at: datetime
    closed_at: datetime | None
    error: str
    reminders: int


@dataclass(frozen=True, slots=True)
class SentAlert:
    at: datetime
    kind: str
    about: str  # the service, or the attempt
    channels: Mapping[str, str]  # channel → owed, sent, dead, dropped


@dataclass(frozen=True, slots=True)
class BreakerSpan:
    """How long a service's breaker was in one state."""

    service: str
    state: str
    begins_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """Requests of every run of the campaign to one service, slowest first."""

    service: str
    requests: int
    failures: int
    retries: int
    mean_ms: float | None
    p50_ms: float | None  # upper bound of the class that the request in the middle falls into
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class LatencyClass:
    """Requests that took no longer than this, and longer than the class before."""

    service: str
    up_to_ms: float | None  # None: longer than every bound
    requests: int


@dataclass(frozen=True, slots=True)
class Figures:
    campaign: str
    as_of: datetime | None  # the latest time in the ledger
    totals: Mapping[str, int]  # contact state → contacts
    contact_count: int
    dispositions: Mapping[str, int]  # how calls ended → calls
    calls: Reach
    rejected_count: int
    cost: Cost
    by_attempt: Sequence[AttemptReach] = ()
    by_hour: Sequence[HourReach] = ()
    by_time: Sequence[Period] = ()
    failures: Sequence[Failure] = ()
    runs: Sequence[RunFigures] = ()
    incidents: Sequence[Outage] = ()
    alerts: Sequence[SentAlert] = ()
    breakers: Sequence[BreakerSpan] = ()
    services: Sequence[ServiceFigures] = ()
    latency: Sequence[LatencyClass] = ()
    retries: Mapping[str, int] = field(default_factory=dict)  # service → requests that repeat one

    def to_json(self) -> dict[str, Json]:
        """The report's object, without contacts and rejected rows."""
        plain = as_json(self)
        assert isinstance(plain, dict)  # noqa: S101 - a dataclass is an object
        return {**plain, "cost_usd": self.cost.total_usd}


def as_json(value: object) -> Json:
    """Dataclasses become objects, times RFC 3339 in UTC with milliseconds."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return rfc3339(value)
        case Mapping():
            return {str(key): as_json(item) for key, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
    if is_dataclass(value):
        return {each.name: as_json(getattr(value, each.name)) for each in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a report")


def rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
