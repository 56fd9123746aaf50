"""The states of a circuit breaker and the rules between them. Pure: no lock, no clock, no telling.

    closed ──── `failure_threshold` consecutive failures ────▶ open
    open ────── break over, last probe good, a call comes ───▶ half_open: that call is the trial
    half_open ─ the trial succeeds ──────────────────────────▶ closed
    half_open ─ the trial fails ─────────────────────────────▶ open
    open, half_open ─ enough good probes in a row ───────────▶ closed, on probation
    any ─────── the service refuses us, or an operator ──────▶ forced_open
    forced_open ─ lift ──────────────────────────────────────▶ closed, on probation

*Probation* is closed with one failure to spare. An *incident* lasts from the first opening to
the first real success; within it each re-opening doubles the break, and each broken probation
doubles the good probes wanted.

Called by: resilience.breaker, under its lock.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from callagent_cli.domain.errors import (
    AmbiguousError,
    CallAgentError,
    ServiceError,
    ServiceRefused,
    TransientError,
)
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.domain.text import one_line

_MAX_PASSES = 64  # good probes that close a breaker, however often it broke its probation
_SLACK_S = 1e-6  # a sum of floats may fall short of a wait by less than anyone can measure


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and how long it keeps a trial call away."""

    failure_threshold: int = 5  # consecutive failed tries
    recovery_timeout_s: float = 60.0  # the earliest moment of the first trial
    max_break_s: float = 600.0  # doubling ends here

    def __post_init__(self) -> None:
        if self.failure_threshold < 1:
            raise ValueError("failure_threshold must be at least 1")
        if not self.recovery_timeout_s > 0:
            raise ValueError("recovery_timeout_s must be more than 0")

    def break_s(self, retrips: int) -> float:
        """How long the breaker stays open after `retrips` re-openings in one incident."""
        grown = self.recovery_timeout_s * 2.0 ** min(retrips, 32)
        return min(grown, max(self.max_break_s, self.recovery_timeout_s))


class Verdict(Enum):
    """What the end of a call says about the service."""

    SUCCESS = auto()
    FAILURE = auto()
    REFUSED = auto()  # it will not serve us until a person acts
    IGNORED = auto()  # nothing: neither counted, nor a success


def verdict_on(error: BaseException | None) -> Verdict:
    match error:
        case None:
            return Verdict.SUCCESS
        case ServiceRefused():
            return Verdict.REFUSED
        case TransientError() | AmbiguousError():
            return Verdict.FAILURE
        case CallAgentError():  # throttled, this contact's fault, interrupted, a closed gate
            return Verdict.IGNORED
        case Exception():  # unsorted, as a socket's own error
            return Verdict.FAILURE
        case _:  # Ctrl-C
            return Verdict.IGNORED


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call."""

    era: int  # number of the transition before it
    retry_count: int


@dataclass(frozen=True, slots=True)
class Transition:
    name: EventName
    fields: Mapping[str, FieldValue]


@dataclass(slots=True)
class _Incident:
    began_s: float
    retrips: int = 0
    broken_probations: int = 0


class Circuit:
    """One breaker's state. Times are seconds of one monotonic clock.

    `untold` collects the transitions in their order; whoever tells them takes them out.
    """

    def __init__(self, policy: BreakerPolicy, *, has_probe: bool) -> None:
        self._policy, self._has_probe = policy, has_probe
        self.state = BreakerState.CLOSED
        self.failures = 0  # consecutive; on probation all but one
        self.last_error = ""
        self.is_held = False  # by a person
        self.untold: deque[Transition] = deque()
        self._era = 0
        self._is_trial_out = False
        self._incident: _Incident | None = None
        self._break_ends_s = 0.0
        self._passes = 0  # good probes in a row since the last opening
        self._is_probe_good = False  # the last probe since the last opening

    def admit(self, now_s: float, retry_count: int) -> Permit | None:
        """Leave for one call, or None. The first call after the break makes it half-open."""
        if not self.is_admitting(now_s):
            return None
        if self.state is BreakerState.OPEN:
            self._move(BreakerState.HALF_OPEN, EventName.BREAKER_HALF_OPENED, retry_count)
        self._is_trial_out = self.state is BreakerState.HALF_OPEN
        return Permit(self._era, retry_count)

    def is_admitting(self, now_s: float) -> bool:
        return self.state is BreakerState.CLOSED or self.seconds_until_trial(now_s) == 0.0

    def settle(self, permit: Permit, error: BaseException | None, now_s: float) -> None:
        """Count how a permitted call ended; None is success."""
        if permit.era != self._era:
            return  # an answer from before the last transition proves nothing about now
        self._is_trial_out = False
        verdict = verdict_on(error)
        if verdict in (Verdict.FAILURE, Verdict.REFUSED):
            self.last_error = one_line(str(error) or type(error).__name__)
        match verdict:
            case Verdict.SUCCESS:
                self._succeed(permit, now_s)
            case Verdict.FAILURE:
                self._fail(permit, error, now_s)
            case Verdict.REFUSED:
                self._trip(BreakerState.FORCED_OPEN, now_s, permit.retry_count, error)
            case Verdict.IGNORED:
                pass

    def probe_passed(self, healthy_threshold: int, now_s: float) -> bool:
        """Hear of a good probe. False when it means nothing: closed, or held open."""
        if not self._hears_probes():
            return False
        self._is_probe_good = True
        self._passes += 1
        if self._passes >= self._passes_wanted(healthy_threshold):
            self._close_on_probation(now_s)
        return True

    def probe_failed(self) -> bool:
        """Hear of a bad probe. False when it means nothing: closed, or held open."""
        if not self._hears_probes():
            return False
        self._is_probe_good = False
        self._passes = 0
        return True

    def force_open(self, reason: str, now_s: float) -> None:
        if self.state is not BreakerState.FORCED_OPEN:
            self.last_error = one_line(reason)
            self._trip(BreakerState.FORCED_OPEN, now_s, 0)

    def lift(self, now_s: float) -> None:
        self.is_held = False
        if self.state is BreakerState.FORCED_OPEN:
            self._close_on_probation(now_s)

    def hold_open(self, said: str, now_s: float) -> None:
        """By a person. One that a refusal holds stays the refusal's."""
        if self.state is not BreakerState.FORCED_OPEN:
            self.is_held = True
            self.force_open(said, now_s)

    def let_go(self, now_s: float) -> None:
        """End `hold_open`, and nothing else."""
        if self.is_held:
            self.lift(now_s)

    def heed_opening(self, error: str, now_s: float) -> None:
        """Another process of the fleet has found the service down."""
        if self.state is BreakerState.CLOSED:
            self.last_error = one_line(error)
            self._trip(BreakerState.OPEN, now_s, 0)

    def heed_closing(self, now_s: float) -> None:
        """Another process of the fleet has found it well again."""
        if self.state is not BreakerState.CLOSED and not self.is_held:
            self._close_on_probation(now_s)

    def heed_proof(self, now_s: float) -> None:
        """Another process of the fleet has had a real answer: the incident is over here too. What
        failed here since, outside an incident, is not forgiven by it."""
        self.heed_closing(now_s)
        if self.state is BreakerState.CLOSED and self._incident is not None:
            self.failures, self._incident = 0, None

    def seconds_until_trial(self, now_s: float) -> float | None:
        """See Breaker.seconds_until_trial."""
        if not self._hears_probes() or self._is_trial_out:
            return None
        left_s = self._break_ends_s - now_s
        if self.state is BreakerState.OPEN and left_s > _SLACK_S:
            return left_s
        return 0.0 if self._is_probe_good or not self._has_probe else None

    def incident_age_s(self, now_s: float) -> float:
        return now_s - self._incident.began_s if self._incident else 0.0

    def _succeed(self, permit: Permit, now_s: float) -> None:
        if self.state is BreakerState.HALF_OPEN:
            self._close(now_s, permit.retry_count, is_on_probation=False)
        self.failures = 0
        self._incident = None

    def _fail(self, permit: Permit, error: BaseException | None, now_s: float) -> None:
        self.failures += 1
        is_trial = self.state is BreakerState.HALF_OPEN
        if is_trial or self.failures >= self._policy.failure_threshold:
            self._trip(BreakerState.OPEN, now_s, permit.retry_count, error)

    def _trip(
        self, to: BreakerState, now_s: float, retry_count: int, error: BaseException | None = None
    ) -> None:
        is_retrip = self._incident is not None
        incident = self._incident = self._incident or _Incident(began_s=now_s)
        if is_retrip and to is BreakerState.OPEN:
            incident.retrips += 1
            incident.broken_probations += self.state is BreakerState.CLOSED
        self._break_ends_s = now_s + self._policy.break_s(incident.retrips)
        self._passes, self._is_probe_good = 0, False
        answer = error if isinstance(error, ServiceError) else None
        self._move(
            to,
            EventName.BREAKER_OPENED,
            retry_count,
            error=self.last_error,
            error_category=answer.category.value if answer else None,
            http_status=answer.http_status if answer else None,
            is_retrip=is_retrip,
            is_forced=to is BreakerState.FORCED_OPEN,
            is_held=self.is_held or None,
        )

    def _close_on_probation(self, now_s: float) -> None:
        self.failures = self._policy.failure_threshold - 1
        self._close(now_s, 0, is_on_probation=True)

    def _close(self, now_s: float, retry_count: int, *, is_on_probation: bool) -> None:
        self._move(
            BreakerState.CLOSED,
            EventName.BREAKER_CLOSED,
            retry_count,
            elapsed_s=self.incident_age_s(now_s),
            is_on_probation=is_on_probation,
        )

    def _move(
        self, to: BreakerState, name: EventName, retry_count: int, **fields: FieldValue
    ) -> None:
        self.state = to
        self._era += 1
        self._is_trial_out = False
        about = {"breaker_state": to.value, "retry_count": retry_count}
        self.untold.append(Transition(name, {**about, **fields}))

    def _hears_probes(self) -> bool:
        return self.state in (BreakerState.OPEN, BreakerState.HALF_OPEN)

    def _passes_wanted(self, healthy_threshold: int) -> int:
        broken = self._incident.broken_probations if self._incident else 0
        return min(healthy_threshold << min(broken, 32), max(_MAX_PASSES, healthy_threshold))
