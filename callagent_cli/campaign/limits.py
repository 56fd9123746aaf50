"""How much one run may do: calls, contacts, money, time. Checked before each dial."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used so far."""

    dialled: int  # calls begun, those under way included
    under_way: int
    cost_usd: float  # of the calls that have ended
    mean_cost_usd: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class RunLimits:
    """None: no limit of that kind."""

    max_dials: int | None = None
    pilot: int | None = None  # contacts, then stop for a person to look
    max_cost_usd: float | None = None
    max_duration_s: float | None = None
    max_outage_wait_s: float = 900.0

    def reached(self, spent: Spent) -> str | None:
        """Return, in words, the limit that forbids another dial, or None.

        The cost of a call is known only when it has ended, so each one under way is
        reserved at the mean.
        """
        reserved_usd = spent.cost_usd + spent.under_way * spent.mean_cost_usd
        limits = (
            (self.pilot, spent.dialled, "pilot of {:g} contacts done"),
            (self.max_dials, spent.dialled, "limit of {:g} calls reached"),
            (self.max_cost_usd, reserved_usd, "budget of {:.2f} USD reached"),
            (self.max_duration_s, spent.elapsed_s, "duration of {:g} s reached"),
        )
        for limit, used, words in limits:
            if limit is not None and used >= limit:
                return words.format(limit)
        return None
