"""How much one run may do: calls, contacts, money, time. Checked before each dial."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HaltRule:
    """When so many calls fail that something is wrong with all of them."""

    failed_share: float  # 0 … 1
    after: int  # calls that ended, before it is looked at


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used so far; *today*: every campaign since midnight, by the machine."""

    dialled: int  # calls begun, those under way included
    under_way: int
    cost_usd: float  # of the calls that have ended
    mean_cost_usd: float
    elapsed_s: float
    dialled_today: int = 0  # those under way included
    cost_usd_today: float = 0.0
    ended: int = 0  # calls of this run that ended, or could not be placed
    failed: int = 0  # of which for a technical reason


@dataclass(frozen=True, slots=True)
class RunLimits:
    """None: no limit of that kind."""

    max_dials: int | None = None
    pilot: int | None = None  # contacts, then stop for a person to look
    max_cost_usd: float | None = None
    max_duration_s: float | None = None
    max_outage_wait_s: float = 900.0
    max_dials_per_day: int | None = None
    max_cost_usd_per_day: float | None = None
    dials_per_minute: float | None = None
    halt: HaltRule | None = None

    @property
    def is_daily(self) -> bool:
        return self.max_dials_per_day is not None or self.max_cost_usd_per_day is not None

    def day_of(self, now: datetime) -> datetime | None:
        """Since when calls count for today, by the machine's own calendar; None: no limit asks."""
        if not self.is_daily:
            return None
        return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def pace_s(self) -> float:
        """Seconds from one dial to the next, at least."""
        return 60.0 / self.dials_per_minute if self.dials_per_minute else 0.0

    def halted(self, spent: Spent) -> str | None:
        """In words, why so many failures end the run; None: they do not."""
        rule = self.halt
        if rule is None or spent.ended < rule.after:
            return None
        if spent.failed < rule.failed_share * spent.ended:
            return None
        return (
            f"{spent.failed} of {spent.ended} calls failed: halted at {rule.failed_share:.0%}, "
            "look at the agent and its number"
        )

    def reached(self, spent: Spent) -> str | None:
        """Return, in words, the limit that forbids another dial, or None.

        The cost of a call is known only when it has ended, so each one under way is
        reserved at the mean.
        """
        reserve_usd = spent.under_way * spent.mean_cost_usd
        reserved_usd, today_usd = spent.cost_usd + reserve_usd, spent.cost_usd_today + reserve_usd
        limits = (
            (self.pilot, spent.dialled, "pilot of {:g} contacts done"),
            (self.max_dials, spent.dialled, "limit of {:g} calls reached"),
            (self.max_cost_usd, reserved_usd, "budget of {:.2f} USD reached"),
            (self.max_dials_per_day, spent.dialled_today, "limit of {:g} calls a day reached"),
            (self.max_cost_usd_per_day, today_usd, "budget of {:.2f} USD a day reached"),
            (self.max_duration_s, spent.elapsed_s, "duration of {:g} s reached"),
        )
        for limit, used, words in limits:
            if limit is not None and used >= limit:
                return words.format(limit)
        return None
