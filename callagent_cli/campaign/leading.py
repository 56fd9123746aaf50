"""What only one process of a fleet does: it probes, tells people, delivers, feeds the queue, and
settles what the dead left.

Who leads is a lease by the server's clock, taken over within seconds. Everything that a leader
does may be done twice without harm; that it is one at a time keeps people from being told twice.
"""

from collections.abc import Callable, Sequence

from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import Emit, EventName
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.fleet_records import Order

_EVERY_S = 1.0
_THIRD = 3  # beats: the lease is renewed, the dead are settled
_SURE_FOR_S = 7.0  # since the lease was renewed: less than it lasts, by whatever clock
_QUEUE = 500  # jobs of a campaign that wait for a hand, at most
_SILENT_S = 20.0  # of an engine's worker, before its jobs are anybody's


class Leadership:
    """Whether this process leads. Thread-safe."""

    def __init__(self, fleet: Fleet, run_id: str, clock: Clock) -> None:
        self._fleet, self._run_id, self._clock = fleet, run_id, clock
        self._until_s = float("-inf")

    def __call__(self) -> bool:
        return self._clock.monotonic() < self._until_s

    def renew(self) -> bool:
        """Whether this process has just become the leader."""
        was, asked_s = self(), self._clock.monotonic()
        if self._fleet.take_lead(self._run_id):
            self._until_s = asked_s + _SURE_FOR_S
        return self() and not was


class Duties:
    """The body of a background task of each process: waits to lead, then does what a leader
    does. A ledger that does not answer now may do so at the next beat."""

    def __init__(
        self,
        leadership: Leadership,
        fleet: Fleet,
        *,
        clock: Clock,
        over: Signal,
        emit: Emit,
        order: Order,
        on_elected: Callable[[], None],
        on_settled: Callable[[], None],
        look_up_delays_s: Sequence[float],
    ) -> None:
        self._leads, self._fleet, self._clock, self._over = leadership, fleet, clock, over
        self._emit, self._order = emit, order
        self._on_elected, self._on_settled = on_elected, on_settled
        self._pauses_s = _pauses(look_up_delays_s)
        self._beats = 0
        self._is_new = False  # elected, and not installed yet

    def run(self) -> None:
        while True:
            try:
                self.beat()
            except LedgerError:
                self._beats = 0  # as soon as it answers again, see who leads
            if self._over.wait(_EVERY_S):
                return

    def beat(self) -> None:
        """Raises LedgerError."""
        is_third = self._beats % _THIRD == 0
        self._beats += 1
        if is_third and self._leads.renew():
            self._is_new = True
            self._emit(EventName.LEADER_ELECTED)
        if self._is_new and self._leads():
            self._on_elected()
            self._is_new = False
        if self._leads():
            if is_third:
                self._fleet.bury_the_dead()
                self._fleet.drop_stalled(_SILENT_S)
            self._feed()
        if is_third:
            self._close_if_settled()

    def _feed(self) -> None:
        for order in self._fleet.open_orders():
            if order.paused_at is None:
                self._fleet.feed(
                    order.campaign,
                    most=_QUEUE,
                    only=order.only,
                    look_up_pauses_s=self._pauses_s,
                )

    def _close_if_settled(self) -> None:
        """Of those who work on an order one says that it is done. Held contacts that wait for a
        person keep none open."""
        order, reason, looks = (
            self._order,
            "nothing more is due, now or later",
            len(self._pauses_s),
        )
        if order.only is not None or not self._fleet.is_settled(order.campaign, looks=looks):
            return
        if self._fleet.close_settled(order.campaign, order.order_id, reason, looks=looks):
            self._emit(EventName.ORDER_CLOSED, reason=reason)
            self._on_settled()


def _pauses(delays_s: Sequence[float]) -> list[float]:
    """Delays count from the moment of doubt, pauses from the look before."""
    earlier = [0.0, *delays_s]
    return [delay - before for before, delay in zip(earlier, delays_s, strict=False)]
