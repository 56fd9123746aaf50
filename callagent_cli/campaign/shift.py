"""One campaign in the hands of one process of a fleet: what an agenda is to a run alone.

A job names a contact. What stands in the ledger decides what is done: a call that somebody dead
had placed is followed, an attempt in doubt is looked up, and only a contact whose turn it is, in
the very transaction that claims it, is called. Invariant: no job, however often or late it
comes, leads to a call that the ledger does not allow.
"""

import threading
from dataclasses import dataclass

from callagent_cli.campaign.agenda import Call, Follow, Job, RunEnd, is_eligible
from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.limits import RunLimits, Spent
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.reconcile import LookUp
from callagent_cli.domain.call import AttemptState, Claim, Ticket
from callagent_cli.domain.event import EventName
from callagent_cli.eligibility.decision import Rules
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.fleet_records import Order
from callagent_cli.ledger.records import Candidate
from callagent_cli.ledger.turns import NoOrder, NotNow, OpenAttempt, OrderUse, Reached

_TICK_S = 1.0  # longest nap before a look at what has changed
_BLINK_S = 0.05
_HEAD_START_S = 0.02  # from a turn to the request that it allows, about
_PATIENCE_S = 10.0  # with one job, before the hand is free for another


class _InHand(threading.local):
    """What a thread does next about the contact that it has in hand."""

    work: Follow | None = None


@dataclass(frozen=True, slots=True)
class ShiftRules:
    limits: RunLimits
    waits_for_ever: bool  # for a service that is down: a worker does, a run does not


class Shift:
    """Thread-safe: every hand of the process calls `job_at`, `add` and `done`."""

    def __init__(
        self,
        order: Order,
        *,
        line: Line,
        rules: Rules,
        shift: ShiftRules,
        fleet: Fleet,
        progress: Progress,
    ) -> None:
        self.order = order
        self._campaign, self._line, self._rules, self._fleet = order.campaign, line, rules, fleet
        self._limits, self._waits_for_ever = shift.limits, shift.waits_for_ever
        self._progress, self._clock = progress, line.clock
        self._breaker = line.guard.breaker
        self._turnstile = threading.Lock()  # one hand of a process asks for a turn at a time
        self._lock, self._freed = threading.Lock(), line.clock.signal()
        self._ended: set[str] = set()  # attempts whose end is being written down here
        self._in_hand = _InHand()
        self._waiting_since_s: float | None = None
        self.end: RunEnd | None = None

    def add(self, work: Follow | LookUp | None) -> None:
        """Whoever finds a call follows it. Later look-ups are the queue's."""
        if isinstance(work, Follow):
            self._in_hand.work = work

    def finish(self, end: RunEnd) -> None:
        """Take no more contacts here; what refuses us for good refuses the whole fleet."""
        if self.end is None or (end.is_refused and not self.end.is_refused):
            self.end = end
        if end.is_refused and self._fleet.pause(self._campaign, end.reason):
            self._line.emit(EventName.ORDER_PAUSED, reason=end.reason)
        self._freed.set()

    def crowd(self) -> None:
        self._fleet.crowd(self._campaign)

    def free_line(self, ticket: Ticket) -> None:
        """Whoever waits for it need not wait for the disk as well, and goes first: that a call has
        ended can be written down a moment later."""
        with self._lock:
            self._ended.add(ticket.attempt_id)
        self._freed.set()
        if self._turnstile.locked():
            self._line.stop.wait(_HEAD_START_S)

    def done(self, job: Job) -> None:
        with self._lock:
            self._ended.discard(attempt_of(job))
        self._freed.set()

    def job_at(self, position: int) -> Job | None:
        """What there is to do about the contact of a job; None: nothing, or not now."""
        if self._line.stop.is_set() or self.end is not None:
            return None
        attempt = self._fleet.open_attempt_at(self._campaign, position)
        if attempt is not None:
            return self._take_up(attempt, position)
        return self._wait_for_turn(position)

    def next_in_hand(self) -> Job | None:
        """What the thread that asks has found to do about the same contact."""
        work, self._in_hand.work = self._in_hand.work, None
        return work

    def _take_up(self, attempt: OpenAttempt, position: int) -> Job | None:
        if attempt.state in (AttemptState.CLAIMED, AttemptState.DIALING):
            if not attempt.is_orphan:
                return None  # somebody is at it
            self._fleet.bury_the_dead()
            found = self._fleet.open_attempt_at(self._campaign, position)
            return self._take_up(found, position) if found is not None else None
        ticket, run_id = attempt.ticket, self._line.run_id
        if attempt.state is AttemptState.PLACED:
            is_ours = attempt.is_orphan and self._fleet.adopt(ticket.attempt_id, run_id)
            return Follow(ticket, attempt.conversation_id) if is_ours else None
        if self._nap_for_service() is not None:
            return None  # a provider that is down can tell nothing: the job comes again
        if attempt.is_orphan:
            self._fleet.adopt(ticket.attempt_id, run_id)
        return LookUp(ticket, attempt.looked_up, self._clock.monotonic())

    def _wait_for_turn(self, position: int) -> Call | None:
        """Not for long, and not at all while a call waits to be followed: every hand may be here
        while every line is held by calls of the dead. A job that is let go is fed again."""
        give_up_s = self._clock.monotonic() + _PATIENCE_S
        if not self._turnstile.acquire(timeout=_PATIENCE_S):
            return None
        try:
            return self._take_turn(position, give_up_s)
        finally:
            self._turnstile.release()

    def _take_turn(self, position: int, give_up_s: float) -> Call | None:
        """The verdict on a contact is reached while it waits: a line that is free is used at
        once, and the ledger says if more is known of the contact by then."""
        candidate, is_freed = None, False
        while not self._line.stop.is_set() and self.end is None:
            self._freed.clear()
            turn: Call | NotNow | None = self._nap_for_service()
            if turn is None:
                candidate = candidate or self._eligible(position)
                if candidate is None:
                    return None
                turn = self._claim(candidate, is_freed=is_freed)
            if isinstance(turn, Call):
                return turn
            if turn is None:
                candidate, turn = None, NotNow(_BLINK_S)
            if turn.is_outranked or self._clock.monotonic() >= give_up_s:
                return None
            is_freed = self._freed.wait(min(turn.wait_s, _TICK_S))
        return None

    def _eligible(self, position: int) -> Candidate | None:
        """The contact, if its turn may come now; else it is set aside."""
        candidate = self._fleet.contact_at(self._campaign, position, self._clock.now())
        if candidate is None:
            return None
        is_meant = is_eligible(self._line, self._campaign, candidate, self._rules)
        return candidate if is_meant else None

    def _claim(self, candidate: Candidate, *, is_freed: bool) -> Call | NotNow | None:
        """None: more is known of the contact by now, or the order is over."""
        turn = self._fleet.take_turn(
            candidate,
            campaign=self._campaign,
            order_id=self.order.order_id,
            run_id=self._line.run_id,
            pace_s=self._limits.pace_s,
            since=self._limits.day_of(self._clock.now()),
            reached=lambda use: limit_of(self._limits, use),
            is_hopeful=is_freed,
            ended=self._ended_now(),
        )
        match turn:
            case Claim():
                self._progress.waiting = ""
                return Call(turn, candidate)
            case Reached(reason, use):
                return self._reached(reason, use)
            case NoOrder():
                return NotNow(_TICK_S)  # it may be resumed, or the shift ends
            case NotNow() | None:
                return turn

    def _ended_now(self) -> list[str]:
        with self._lock:
            return sorted(self._ended)

    def _reached(self, reason: str, use: OrderUse) -> NotNow | None:
        is_halt = self._limits.halted(spent_of(use)) is not None
        if is_halt:
            if self._fleet.pause(self._campaign, reason):
                self._line.emit(EventName.RUN_HALTED, reason=reason)
            self.finish(RunEnd(reason))
            return None
        if use.under_way:
            return NotNow(_TICK_S)  # a call that ends may leave room
        if self._fleet.close_order(self._campaign, self.order.order_id, reason):
            self._line.emit(EventName.ORDER_CLOSED, reason=reason)
        self.finish(RunEnd(reason, is_limit=True))
        return None

    def _nap_for_service(self) -> NotNow | None:
        """While the voice service is down nobody asks for a turn, nor what became of a call."""
        if self._breaker.admits():
            self._waiting_since_s = None
            return None
        now_s = self._clock.monotonic()
        if self._waiting_since_s is None:
            self._waiting_since_s = now_s
        trouble = f"{self._breaker.service} is {self._breaker.held or 'down'}"
        self._progress.waiting = f"{trouble}; waiting for it"
        waited_s = now_s - self._waiting_since_s
        if not self._waits_for_ever and waited_s >= self._limits.max_outage_wait_s:
            most = f"{self._limits.max_outage_wait_s:g} s"
            self.finish(RunEnd(f"{trouble} after {most} of waiting"))
        return NotNow(_TICK_S / 4)


def attempt_of(job: Job) -> str:
    """Its attempt_id."""
    return job.claim.attempt_id if isinstance(job, Call) else job.ticket.attempt_id


def limit_of(limits: RunLimits, use: OrderUse) -> str | None:
    """In words, the limit that forbids another dial."""
    spent = spent_of(use)
    return limits.halted(spent) or limits.reached(spent)


def spent_of(use: OrderUse) -> Spent:
    return Spent(
        dialled=use.dialled + use.unplaced,
        under_way=use.under_way,
        cost_usd=use.cost_usd,
        mean_cost_usd=use.cost_usd / use.ended if use.ended else 0.0,
        elapsed_s=use.elapsed_s,
        dialled_today=use.dialled_today,
        cost_usd_today=use.cost_usd_today,
        ended=use.ended,
        failed=use.failed,
    )
