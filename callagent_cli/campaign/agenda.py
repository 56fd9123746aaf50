"""What a worker does next, and when there is nothing left to do.

Three kinds of work, in this order: calls that the provider already has are followed to their
end, attempts in doubt are looked up, and only then is another contact called. Invariant: a
contact leaves here claimed, eligible at this very moment, and only while the dialler's breaker
would admit it.
"""

import threading
from collections import deque
from dataclasses import dataclass

from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.limits import RunLimits, Spent
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.reconcile import LookUp
from callagent_cli.domain.call import Claim, Ticket
from callagent_cli.domain.contact import ContactState, mask_phone
from callagent_cli.domain.event import Emit, EventName
from callagent_cli.eligibility.decision import Rules, decide
from callagent_cli.eligibility.verdicts import Eligible, Exhausted, Held
from callagent_cli.ledger.records import Candidate, NextStep

_TICK_S = 1.0  # longest nap: a countdown is shown, and gates move with the time
_CROWDED_PAUSE_S = 30.0  # after a 429 of our own plan, before another call is tried
_MOST_SET_ASIDE = 100  # in a row: a million may be, and calls under way are followed meanwhile
_WIDEN_AFTER_S = 300.0  # without such a 429, before one more line is used again


@dataclass(frozen=True, slots=True)
class Call:
    claim: Claim
    candidate: Candidate  # with the history that the gates ask for again


@dataclass(frozen=True, slots=True)
class Follow:
    ticket: Ticket
    conversation_id: str


Job = Call | Follow | LookUp


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run takes no more contacts."""

    reason: str
    is_refused: bool = False  # for good, until a person acts
    is_limit: bool = False  # that the run was given


class Agenda:
    def __init__(
        self,
        campaign: str,
        *,
        line: Line,
        rules: Rules,
        limits: RunLimits,
        lanes: int,
        progress: Progress,
        only: frozenset[str] | None = None,
    ) -> None:
        """lanes: calls at the same time; only: contact ids, None for everybody."""
        self._campaign, self._line, self._only = campaign, line, only
        self._rules, self._limits = rules, limits
        self._lanes = self._most_lanes = lanes
        self._progress, self._clock, self._ledger = progress, line.clock, line.ledger
        self._breaker = line.guard.breaker
        self._lock = threading.RLock()
        self._woken = line.clock.signal()
        self._follows: deque[Follow] = deque()
        self._looks: list[LookUp] = []
        self._under_way = 0  # jobs of any kind
        self._calling = 0  # of which calls
        self._crowded_until_s = self._paced_until_s = 0.0
        self._waiting_since_s: float | None = None
        self.end: RunEnd | None = None

    def add(self, work: Follow | LookUp | None) -> None:
        with self._lock:
            match work:
                case Follow():
                    self._follows.append(work)
                case LookUp():
                    self._looks.append(work)
                case None:
                    pass
        self._woken.set()

    def finish(self, end: RunEnd) -> None:
        """Take no more contacts. The first reason stands, unless a refusal for good comes."""
        with self._lock:
            if self.end is None or (end.is_refused and not self.end.is_refused):
                self.end = end
        self._woken.set()

    def crowd(self) -> None:
        """All lines of our plan are in use: use one fewer, and not at once."""
        with self._lock:
            self._lanes = max(1, self._lanes - 1)
            self._crowded_until_s = self._clock.monotonic() + _CROWDED_PAUSE_S

    def free_line(self, ticket: Ticket) -> None:
        """Heeded when the job is done: whoever works on it is the one to use the line again."""

    def done(self, job: Job) -> None:
        with self._lock:
            self._under_way -= 1
            self._calling -= isinstance(job, Call)
        self._woken.set()

    def next(self) -> Job | None:
        """Wait for the next piece of work; None when this run has none left."""
        while not self._line.stop.is_set():
            self._woken.clear()
            with self._lock:
                job = self._pick()
                if job is not None:
                    self._under_way += 1
                    if isinstance(job, Call):
                        self._calling += 1
                        self._paced_until_s = self._clock.monotonic() + self._limits.pace_s
                    self._progress.waiting = ""
                    return job
                nap_s = self._nap_s()
            if nap_s is None:
                return None
            self._woken.wait(min(nap_s, _TICK_S))
        return None

    def _pick(self) -> Job | None:
        if self._follows:
            return self._follows.popleft()
        now_s = self._clock.monotonic()
        for look in self._looks:
            if look.due_s <= now_s:
                self._looks.remove(look)
                return look
        return self._pick_contact() if self._may_call() else None

    def _may_call(self) -> bool:
        self._widen()
        if self.end is not None or self._calling >= self._lanes:
            return False
        spent = self._spent()
        if halted := self._limits.halted(spent):
            self._line.emit(EventName.RUN_HALTED, reason=halted)
            self.finish(RunEnd(halted))
            return False
        if reached := self._limits.reached(spent):
            if self._calling == 0:
                self.finish(RunEnd(reached, is_limit=True))
            return False
        is_early = self._clock.monotonic() < max(self._crowded_until_s, self._paced_until_s)
        return not is_early and self._is_line_open()

    def _spent(self) -> Spent:
        calls, cost_usd = 0, 0.0
        if (midnight := self._limits.day_of(self._clock.now())) is not None:
            calls, cost_usd = self._ledger.spent_since(midnight)
        return Spent(
            dialled=self._progress.dialled + self._calling,
            under_way=self._calling,
            cost_usd=self._progress.cost_usd or 0.0,
            mean_cost_usd=self._progress.mean_cost_usd,
            elapsed_s=self._progress.elapsed_s,
            dialled_today=calls + self._calling,
            cost_usd_today=cost_usd,
            ended=self._progress.ended_calls,
            failed=self._progress.failed_calls,
        )

    def _widen(self) -> None:
        """Use one more line again when the plan has not complained for a while."""
        now_s = self._clock.monotonic()
        if self._lanes < self._most_lanes and now_s >= self._crowded_until_s + _WIDEN_AFTER_S:
            self._lanes += 1
            self._crowded_until_s = now_s

    def _is_line_open(self) -> bool:
        if self._breaker.admits():
            self._waiting_since_s = None
            return True
        if self._waiting_since_s is None:
            self._waiting_since_s = self._clock.monotonic()
            self._defer_the_rest()
        return False

    def _defer_the_rest(self) -> None:
        service, why = self._breaker.service, self._trouble()
        moved = self._ledger.defer_all(self._campaign, why)
        if moved:
            self._line.emit(
                EventName.CONTACT_DEFERRED,
                service=service,
                contacts=moved,
                breaker_state=self._breaker.state.value,
                retry_count=0,
                error=why,
            )

    def _trouble(self) -> str:
        return f"{self._breaker.service} is {self._breaker.held or 'down'}"

    def _pick_contact(self) -> Call | None:
        for _ in range(_MOST_SET_ASIDE):
            now = self._clock.now()
            candidate = self._ledger.next_due(self._campaign, now, only=self._only)
            if candidate is None:
                return None
            if is_eligible(self._line, self._campaign, candidate, self._rules):
                claim = self._ledger.claim(self._campaign, candidate, self._line.run_id)
                if claim is not None:
                    return Call(claim, candidate)
        self._woken.set()  # go on at once, after whoever waited for the lock
        return None

    def _nap_s(self) -> float | None:
        """Seconds until something may be due; None when nothing ever will be."""
        now_s = self._clock.monotonic()
        naps = [look.due_s - now_s for look in self._looks]
        if self._under_way:
            naps.append(_TICK_S)
        if self.end is None and self._has_due():
            naps.append(self._wait_for_line_s(now_s))
        if self.end is not None and self.end.is_refused and not self._under_way:
            return None  # look-ups would be refused too; the next run makes them
        return max(0.01, min(naps)) if naps else None

    def _has_due(self) -> bool:
        return (
            self._ledger.next_due(self._campaign, self._clock.now(), only=self._only) is not None
        )

    def _wait_for_line_s(self, now_s: float) -> float:
        if self._waiting_since_s is None:
            paced_s = self._paced_until_s - now_s
            if paced_s > 0:
                return paced_s
            crowded_s = self._crowded_until_s - now_s
            if crowded_s <= 0:
                return _TICK_S  # the calls under way use every line, or what is left of a limit
            self._progress.waiting = "all lines of the plan are in use"
            return crowded_s
        left_s = self._limits.max_outage_wait_s - (now_s - self._waiting_since_s)
        if left_s <= 0:
            self.finish(RunEnd(self._waited_in_vain()))
            return 0.01
        self._progress.waiting = f"{self._trouble()}; waiting up to {left_s:.0f} s more for it"
        return min(left_s, _TICK_S)

    def _waited_in_vain(self) -> str:
        service, waited = self._breaker.service, f"{self._limits.max_outage_wait_s:g} s"
        if held := self._breaker.held:
            lift = f"`callagent breaker close {service}` lifts it"
            return f"{service} is still {held}, after {waited} of waiting; {lift}"
        return f"{service} is still down after {waited} of waiting"


def is_eligible(line: Line, campaign: str, candidate: Candidate, rules: Rules) -> bool:
    """Whether a contact may be called at this moment. Who may not is set aside, and told."""
    match decide(candidate, rules, line.clock.now()):
        case Eligible():
            return True
        case Held(until, reason):
            step = NextStep(ContactState.HELD, until, reason)
        case Exhausted(reason):
            step = NextStep(ContactState.EXHAUSTED, None, reason)
        case verdict:
            step = NextStep(ContactState.SKIPPED, None, verdict.reason)
    line.ledger.set_aside(campaign, candidate.contact.phone, step)
    _tell(line.emit, candidate, step)
    return False


def _tell(emit: Emit, candidate: Candidate, step: NextStep) -> None:
    told = {
        ContactState.HELD: EventName.CONTACT_HELD,
        ContactState.EXHAUSTED: EventName.CONTACT_EXHAUSTED,
    }.get(step.state, EventName.CONTACT_SKIPPED)
    emit(
        told,
        contact_id=candidate.contact.id,
        phone=mask_phone(candidate.contact.phone),
        reason=step.reason,
        next_at=step.next_at.isoformat() if step.next_at else None,
    )
