"""How long calls may take and what they may cost, before they are made. Pure.

Called by: campaign.plan. An estimate, and said to be one: the config's figures, or, once a
campaign has calls that ended, its own.
"""

from dataclasses import dataclass

_RINGS_S = 20.0  # until somebody picks up, or nobody does


@dataclass(frozen=True, slots=True)
class CallCost:
    """What one call is like, on average."""

    talk_s: float  # of a call that is answered
    answered_share: float  # 0 … 1
    usd_per_minute: float | None = None  # of talking; None: nobody knows
    is_measured: bool = False  # by this campaign's own calls

    @property
    def lane_s(self) -> float:
        """How long a call keeps a lane busy."""
        return _RINGS_S + self.answered_share * self.talk_s

    @property
    def usd(self) -> float | None:
        """Of one call, whether it is answered or not."""
        most = self.most_usd
        return None if most is None else most * self.answered_share

    @property
    def most_usd(self) -> float | None:
        """Of one call that is answered."""
        per_minute = self.usd_per_minute
        return None if per_minute is None else per_minute * self.talk_s / 60


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run begins calls."""

    lanes: int
    call: CallCost
    least_gap_s: float = 0.0  # between two dials

    def begins_after_s(self, nth: int) -> float:
        """When the n-th call (from 0) begins, at about."""
        return max(nth // self.lanes * self.call.lane_s, nth * self.least_gap_s)

    def lasts_s(self, calls: int) -> float:
        return self.begins_after_s(calls - 1) + self.call.lane_s if calls else 0.0
