"""What a run has done so far, for whoever watches it. Decides nothing.

Written by the workers, read by the live view from its own thread.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from callagent_cli.domain.call import Claim, Disposition, Outcome
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import mask_phone
from callagent_cli.domain.snapshot import InHand, RunSnapshot, ServiceSnapshot

_COUNTING_SHARE = 20  # counting a large ledger may take one part in this many of the time


class Progress:
    """Counts of one run; totals of the whole campaign come from the ledger, not too often."""

    def __init__(
        self,
        campaign: str,
        *,
        provider: str,
        is_sandbox: bool,
        clock: Clock,
        count_states: Callable[[], Mapping[str, int]],
        services: Callable[[], tuple[ServiceSnapshot, ...]],
    ) -> None:
        self._campaign, self._provider, self._is_sandbox = campaign, provider, is_sandbox
        self._clock, self._began_s = clock, clock.monotonic()
        self._count_states, self._services = count_states, services
        self._lock = threading.Lock()
        self._dispositions: Counter[str] = Counter()
        self._in_hand: dict[str, InHand] = {}
        self._totals: Mapping[str, int] = {}
        self._count_again_at = 0.0  # real seconds: counting costs real time
        self.dialled = 0
        self.finished = 0
        self.ended_calls = self.failed_calls = 0  # the latter for a technical reason
        self.cost_usd: float | None = None
        self.waiting = ""

    def doing(self, claim: Claim, what: str) -> None:
        label = f"{claim.contact.name or claim.contact.id} {mask_phone(claim.contact.phone)}"
        with self._lock:
            self._in_hand[claim.attempt_id] = InHand(label, what)

    def placed(self) -> None:
        with self._lock:
            self.dialled += 1

    def ended(self, outcome: Outcome) -> None:
        with self._lock:
            self._dispositions[outcome.disposition.value] += 1
            self.ended_calls += 1
            self.failed_calls += outcome.disposition is Disposition.FAILED
        self.spent(outcome.cost_usd)

    def spent(self, cost_usd: float | None) -> None:
        """On a call, or on the words for one."""
        if cost_usd is not None:
            with self._lock:
                self.cost_usd = (self.cost_usd or 0.0) + cost_usd

    def settled(self, claim: Claim) -> None:
        with self._lock:
            self.finished += 1
            self._in_hand.pop(claim.attempt_id, None)

    def refused(self) -> None:
        """The provider would not place a call to this contact."""
        with self._lock:
            self.ended_calls += 1
            self.failed_calls += 1

    def put_down(self, claim: Claim) -> None:
        """The contact left the hand without being settled."""
        with self._lock:
            self._in_hand.pop(claim.attempt_id, None)

    @property
    def elapsed_s(self) -> float:
        return self._clock.monotonic() - self._began_s

    @property
    def mean_cost_usd(self) -> float:
        ended = sum(self._dispositions.values())
        return (self.cost_usd or 0.0) / ended if ended else 0.0

    @property
    def dispositions(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._dispositions)

    def snapshot(self) -> RunSnapshot:
        totals = self._counted()
        waiting_for_turn = sum(
            totals.get(state, 0) for state in ("pending", "in_progress", "deferred")
        )
        with self._lock:
            elapsed_s = self.elapsed_s
            rate = self.finished / elapsed_s * 60 if self.finished and elapsed_s > 0 else None
            return RunSnapshot(
                campaign=self._campaign,
                provider=self._provider,
                is_sandbox=self._is_sandbox,
                contacts=sum(totals.values()),
                totals=totals,
                dispositions=dict(self._dispositions),
                dialled=self.dialled,
                finished=self.finished,
                rate_per_min=rate,
                eta_s=waiting_for_turn / rate * 60 if rate else None,
                elapsed_s=elapsed_s,
                cost_usd=self.cost_usd,
                waiting=self.waiting,
                in_hand=tuple(self._in_hand.values()),
                services=self._services(),
            )

    def _counted(self) -> Mapping[str, int]:
        began = time.perf_counter()
        if began >= self._count_again_at:
            self._totals = self._count_states()
            took_s = time.perf_counter() - began
            self._count_again_at = began + max(0.2, took_s * _COUNTING_SHARE)
        return self._totals
