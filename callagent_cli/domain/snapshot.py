"""What a person sees of a run at one moment: numbers, no text layout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"


@dataclass(frozen=True, slots=True)
class ServiceSnapshot:
    """One service as its guard and the health monitor know it."""

    service: str
    breaker_state: BreakerState
    consecutive_failures: int = 0
    failure_threshold: int = 0
    tries: int = 0  # requests made
    retries: int = 0  # of which repeated
    last_error: str = ""
    opened_for_s: float | None = None  # how long the breaker has been open
    next_trial_in_s: float | None = None  # None: closed, forced, or waiting for a probe to pass
    next_probe_in_s: float | None = None
    latency_ms: float | None = None  # of the last answered request
    health: str = ""  # last probe's status, empty when never probed


@dataclass(frozen=True, slots=True)
class InHand:
    """A contact being worked on."""

    label: str  # cleaned name or id, and masked number
    doing: str  # `dialling`, `ringing`, `talking`, `retry 2/3 in 10 s`


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    campaign: str
    provider: str
    is_sandbox: bool
    contacts: int  # all contacts of the campaign
    totals: Mapping[str, int] = field(default_factory=dict)  # contact state → n
    dispositions: Mapping[str, int] = field(default_factory=dict)
    dialled: int = 0  # calls placed by this run
    finished: int = 0  # contacts settled by this run
    rate_per_min: float | None = None  # contacts settled a minute
    eta_s: float | None = None
    elapsed_s: float = 0.0  # on the run's clock
    cost_usd: float | None = None
    waiting: str = ""  # why nothing is dialled now, with a countdown; empty when at work
    in_hand: tuple[InHand, ...] = ()
    services: tuple[ServiceSnapshot, ...] = ()
