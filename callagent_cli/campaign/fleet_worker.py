"""One process of a fleet: an engine that hands out jobs, and a shift for each campaign.

A shift that loses the ledger is ended, and begun anew under another name when the ledger answers
again: what it left open is then settled as a dead worker's. So nothing that was in memory is
trusted after an outage.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from callagent_cli.campaign.kept_engine import Engine, KeptEngine
from callagent_cli.campaign.ledger_outage import LedgerOutage
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.errors import (
    CallAgentError,
    LeaseLost,
    LedgerAway,
    LedgerBusy,
    LedgerError,
)
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.fleet_records import Order

_LOOK_S = 0.5  # at what is ordered
_AGAIN_S = 2.0  # after a shift or the engine could not begin


class WorkingShift(Protocol):
    """A campaign's session in this process, at work from the moment it is made."""

    @property
    def order(self) -> Order: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def leads(self) -> bool: ...
    @property
    def has_ended(self) -> bool:
        """For a reason of its own: a limit, a refusal, a service that did not come back."""
        ...

    def snapshot(self) -> RunSnapshot: ...
    def attend(self, position: int) -> None: ...
    def stop(self) -> None:
        """No new contact; waits end."""
        ...

    def close(self, interrupted: int | None) -> RunSummary | None:
        """Never raises LedgerError: a ledger that is lost is told."""
        ...


@dataclass(slots=True)
class _Hands:
    shifts: dict[str, WorkingShift] = field(default_factory=dict)
    not_before_s: dict[str, float] = field(default_factory=dict)  # campaign → a new shift


class FleetWorker:
    """campaign: work on this one only, and end when nothing of it is due; None: on all orders,
    until stopped."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        clock: Clock,
        stop: Signal,
        outage: LedgerOutage,
        open_shift: Callable[[Order], WorkingShift],
        engine_for: Callable[[Callable[[str, int], None], Callable[[], None]], Engine],
        flush_alerts: Callable[[], None],
        campaign: str | None = None,
        looks: int = 0,
    ) -> None:
        self._fleet, self._clock, self._stop, self._outage = fleet, clock, stop, outage
        self._open_shift, self._engine_for = open_shift, engine_for
        self._flush_alerts = flush_alerts
        self._campaign, self._looks = campaign, looks
        self._hands = _Hands()
        self.summary: RunSummary | None = None  # of the latest shift that could tell
        self.dialled = 0  # in shifts that are over
        self._has_ended = False
        self.problem: CallAgentError | None = None  # that lets no shift begin

    def run(self, interrupted: Callable[[], int | None] = lambda: None) -> None:
        """Work until stopped, or until nothing is due. Raises what no retry can mend."""
        self._look()
        engine = KeptEngine(self._new_engine, on_lost=self._begin_anew)
        task = self._clock.spawn("engine", engine.run)
        self._clock.spawn("outage", self._watch_outage)
        try:
            while not self._stop.wait(_LOOK_S):
                if self.problem is not None:
                    raise self.problem
                self._look()
                if self._campaign is not None and self._is_done():
                    break
        finally:
            self._stop.set()
            self._stop_shifts()
            engine.stop()
            task.join()
            self._close_all(interrupted())
            self._flush_alerts()

    def _watch_outage(self) -> None:
        """On a thread of its own: a server that is frozen keeps whoever asks it waiting."""
        while not self._stop.wait(_LOOK_S):
            self._outage.missed()

    def attend(self, campaign: str, position: int) -> None:
        """A job of the engine. Never raises: what went wrong ends the shift."""
        shift = self._hands.shifts.get(campaign)
        if shift is not None and not self._stop.is_set():
            shift.attend(position)

    def shift(self) -> WorkingShift | None:
        """Of the one campaign, while there is one."""
        return self._hands.shifts.get(self._campaign or "")

    def put_down(self) -> None:
        """The ledger's server is gone: end what is in hand, begin anew when it is back."""
        if not self._stop.is_set():
            self._outage.lost("the ledger's server does not answer")
        self._stop_shifts()

    def _begin_anew(self) -> None:
        self.put_down()
        self._stop.wait(_AGAIN_S)

    def _new_engine(self) -> Engine:
        return self._engine_for(self.attend, self.put_down)

    def _look(self) -> None:
        try:
            ordered = {order.campaign: order for order in self._ordered()}
        except LedgerError as error:
            self._outage.lost(error.message)
            return
        self._outage.found(leads=any(shift.leads for shift in self._hands.shifts.values()))
        for campaign, shift in list(self._hands.shifts.items()):
            order = ordered.get(campaign)
            is_other = order is None or order.order_id != shift.order.order_id
            if is_other or shift.is_over:
                self._close(campaign, None)
        for campaign, order in ordered.items():
            is_wanted = campaign not in self._hands.shifts and order.paused_at is None
            if is_wanted and not (self._has_ended and self._campaign):
                self._open(order)

    def _ordered(self) -> Sequence[Order]:
        """A shift of one that is paused follows the calls that are under way."""
        orders = self._fleet.open_orders()
        if self._campaign is None:
            return orders
        return [order for order in orders if order.campaign == self._campaign]

    def _open(self, order: Order) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._hands.not_before_s.get(order.campaign, 0.0):
            return
        self._hands.not_before_s[order.campaign] = now_s + _AGAIN_S
        try:
            self._hands.shifts[order.campaign] = self._open_shift(order)
        except (LedgerAway, LedgerBusy, LeaseLost):
            return  # in a while, then; a server that is away is noticed by the next look
        except CallAgentError as error:
            self.problem = error

    def _is_done(self) -> bool:
        if self._has_ended:
            return True
        if self._hands.shifts:
            try:
                return self._is_idle()
            except LedgerError:
                return False
        try:
            return all(order.paused_at for order in self._ordered())  # or closed meanwhile
        except LedgerError:
            return False

    def _is_idle(self) -> bool:
        shift = self.shift()
        if shift is None:
            return False
        order = shift.order
        return self._fleet.is_idle(order.campaign, looks=self._looks, only=order.only)

    def _stop_shifts(self) -> None:
        for shift in list(self._hands.shifts.values()):
            shift.stop()

    def _close_all(self, interrupted: int | None) -> None:
        for campaign in list(self._hands.shifts):
            self._close(campaign, interrupted)

    def _close(self, campaign: str, interrupted: int | None) -> None:
        shift = self._hands.shifts.pop(campaign)
        self._has_ended = self._has_ended or shift.has_ended
        shift.stop()
        self.summary = shift.close(interrupted)
        self.dialled += shift.snapshot().dialled
