"""How a run ended: numbers for the closing summary and for `run --json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Failures of one kind, and what mends them."""

    cause: str
    contacts: int
    remedy: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    campaign: str
    run_id: str
    exit_status: int
    reason: str  # one sentence: why the run ended as it did
    totals: Mapping[str, int]  # contact state → n, the whole campaign
    dispositions: Mapping[str, int]
    dialled: int  # calls placed by this run
    duration_s: float
    cost_usd: float | None
    remaining: int  # contacts not final
    rejected: int = 0
    in_doubt: int = 0
    owed_to: Mapping[str, int] = field(default_factory=dict)  # destination → not yet delivered
    dead_letters: int = 0  # messages that were given up
    failures: tuple[FailureCause, ...] = ()
    next_run: str = ""  # what the next run would do
    log_path: str = ""
    rejected_path: str = ""  # empty when no row was rejected
    is_sandbox: bool = False
    is_planned: bool = False  # nothing kept the run from doing what it was told to do
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def owed(self) -> int:
        return sum(self.owed_to.values())

    def to_json(self) -> dict[str, object]:
        """The object of INTERFACE section 7."""
        return {
            "campaign": self.campaign,
            "run_id": self.run_id,
            "exit_status": self.exit_status,
            "reason": self.reason,
            "totals": dict(self.totals),
            "dispositions": dict(self.dispositions),
            "dialled": self.dialled,
            "duration_s": round(self.duration_s, 3),
            "cost_usd": self.cost_usd,
            "remaining": self.remaining,
            "rejected": self.rejected,
            "in_doubt": self.in_doubt,
            "owed": self.owed,
            "owed_to": dict(self.owed_to),
            "dead_letters": self.dead_letters,
            "sandbox": self.is_sandbox,
        }
