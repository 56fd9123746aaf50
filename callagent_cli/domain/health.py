"""What a health check of one service found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HealthStatus(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"  # works, with a warning
    DOWN = "down"  # transient: the only one that feeds a breaker
    MISCONFIGURED = "misconfigured"  # permanent until a person acts
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Health:
    service: str
    status: HealthStatus
    checked_at: datetime  # aware UTC
    latency_ms: float | None = None
    detail: str = ""  # what was proved, or what is wrong
    remedy: str = ""  # what to do; empty when nothing is


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that would spoil a campaign, found before its first dial."""

    is_blocking: bool  # nothing may be dialled until it is mended
    what: str
    fix: str


def blocking(what: str, fix: str) -> Finding:
    return Finding(is_blocking=True, what=what, fix=fix)


def advice(what: str, fix: str) -> Finding:
    return Finding(is_blocking=False, what=what, fix=fix)
