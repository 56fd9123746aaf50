"""A breaker that a person holds open."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is asked of the service until somebody lifts it, in this run and in the next."""

    service: str
    reason: str
    by: str
    since: datetime  # aware UTC

    def __str__(self) -> str:
        """As `held open by Kim since 2026-11-23 15:00 UTC: maintenance`."""
        return f"held open by {self.by} since {self.since:%Y-%m-%d %H:%M} UTC: {self.reason}"
