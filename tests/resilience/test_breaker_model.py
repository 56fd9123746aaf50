"""The breaker against an independent prediction, with overlapping calls that settle late.

Times are whole quarters of a second, so that float sums are exact. The rules are steered: a
naive mix hardly ever reaches a trial, so `trip` and `probe_round` walk there.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from callagent_cli.domain.errors import CircuitOpen, Interrupted
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.resilience import circuit
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.circuit import Circuit, Permit, Verdict
from tests.support.breaker_prediction import Prediction, Ticket
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.service_errors import (
    ambiguous,
    contact_fault,
    refused,
    throttled,
    transient,
)

# how a call may end → what the prediction calls it
ENDINGS: dict[str, tuple[str, Callable[[], BaseException] | None]] = {
    "ok": ("ok", None),
    "transient": ("failed", transient),
    "ambiguous": ("failed", ambiguous),
    "socket error": ("failed", lambda: ConnectionResetError("reset")),
    "contact": ("ignored", contact_fault),
    "throttled": ("ignored", throttled),
    "interrupted": ("ignored", lambda: Interrupted("stopping")),
    "Ctrl-C": ("ignored", KeyboardInterrupt),
    "refused": ("refused", refused),
}
# mostly what happens mostly; a refusal needs a lift before anything else happens
endings = st.sampled_from([*ENDINGS, "ok", "transient", "transient", "ambiguous", "contact"])
failings = st.sampled_from(["transient", "ambiguous", "socket error"])


class BreakerAgainstPrediction(RuleBasedStateMachine):
    @initialize(
        threshold=st.integers(1, 5),
        recovery_s=st.sampled_from([1.0, 10.0]),
        has_probe=st.booleans(),
        passes_needed=st.integers(1, 3),
        is_listener_broken=st.booleans(),
    )
    def build(
        self,
        threshold: int,
        recovery_s: float,
        has_probe: bool,
        passes_needed: int,
        is_listener_broken: bool,
    ) -> None:
        self.clock = HandClock()
        self.log = EventLog(self.clock)
        self.is_listener_broken = is_listener_broken
        self.passes_needed = passes_needed
        cap_s = 4 * recovery_s
        self.breaker = Breaker(
            "voice",
            BreakerPolicy(threshold, recovery_s, cap_s),
            clock=self.clock,
            emit=self._hear,
            has_probe=has_probe,
        )
        self.predicted = Prediction(threshold, recovery_s, cap_s, has_probe, passes_needed)
        self.open_calls: list[tuple[Ticket, contextlib.AbstractContextManager[None]]] = []

    def _hear(self, name: EventName, /, **fields: FieldValue) -> None:
        self.log(name, **fields)
        assert self.breaker.admits() in (True, False)  # a listener may ask: no lock is held
        if self.is_listener_broken:
            raise OSError("the mail server is down too")

    # Calls

    @rule(how=endings)
    def whole_call(self, how: str) -> None:
        verdict, make_error = ENDINGS[how]
        error = make_error() if make_error else None
        if not self.predicted.lets_in():
            self._is_rejected()
            return
        self.predicted.end(self.predicted.begin(), verdict)
        result = object()

        def request() -> object:
            if error is not None:
                raise error
            return result

        try:
            assert self.breaker.call(request) is result
        except BaseException as raised:
            if raised is not error:
                raise

    @rule()
    def begin(self) -> None:
        if not self.predicted.lets_in():
            self._is_rejected()
            return
        ticket = self.predicted.begin()
        call = self.breaker.calling()
        call.__enter__()
        self.open_calls.append((ticket, call))

    @precondition(lambda self: self.open_calls)
    @rule(data=st.data(), how=endings)
    def end(self, data: st.DataObject, how: str) -> None:
        which = data.draw(st.integers(0, len(self.open_calls) - 1))
        self._end(which, how)

    def _end(self, which: int, how: str) -> None:
        ticket, call = self.open_calls.pop(which)
        verdict, make_error = ENDINGS[how]
        self.predicted.end(ticket, verdict)
        if make_error is None:
            call.__exit__(None, None, None)
            return
        error = make_error()
        assert not call.__exit__(type(error), error, None)

    def _is_rejected(self) -> None:
        called: list[int] = []
        rejection: CircuitOpen | None = None
        try:
            self.breaker.call(called.append, 1)
        except CircuitOpen as raised:
            rejection = raised
        assert rejection is not None
        assert not called
        assert rejection.service == "voice"
        assert rejection.last_error
        assert rejection.is_forced == (self.predicted.state == "forced_open")
        assert rejection.retry_after_s == self.predicted.trial_in_s()
        assert self.predicted.outage_began_s is not None
        assert rejection.since_s == self.clock.monotonic() - self.predicted.outage_began_s

    # Time, probes, operators

    @rule(quarters=st.integers(1, 200))
    def wait(self, quarters: int) -> None:
        self._advance(quarters / 4)

    @precondition(lambda self: self.predicted.state == "open")
    @rule(early_s=st.sampled_from([0.25, 0.0]))
    def wait_for_the_end_of_the_break(self, early_s: float) -> None:
        ends_s = self.predicted.opened_at_s + self.predicted.break_s - early_s
        self._advance(max(0.0, ends_s - self.clock.monotonic()))

    @rule(by_s=st.sampled_from([-3600.0, 3600.0]))
    def jump_wall_clock(self, by_s: float) -> None:
        self.clock.jump_wall(by_s)

    @rule(is_good=st.booleans())
    def probe(self, is_good: bool) -> None:
        self.predicted.probe(is_good=is_good)
        if is_good:
            self.breaker.probe_passed(self.passes_needed)
        else:
            self.breaker.probe_failed()

    @rule()
    def force_open(self) -> None:
        self.predicted.force()
        self.breaker.force_open("maintenance")

    @rule()
    def lift(self) -> None:
        self.predicted.lift()
        self.breaker.lift()

    # Walks to where it matters

    @precondition(lambda self: self.predicted.state == "closed")
    @rule(how=failings, quarters=st.integers(0, 8))
    def trip(self, how: str, quarters: int) -> None:
        for _ in range(self.predicted.threshold):
            if self.predicted.state == "closed":
                self.whole_call(how)
        self._advance(quarters / 4)

    @precondition(lambda self: self.predicted.state in ("open", "half_open"))
    @rule(is_good=st.booleans(), calls=st.integers(1, 3), how=endings)
    def probe_round(self, is_good: bool, calls: int, how: str) -> None:
        """The break ends, a probe answers, several ask at once: one is let in, and ends so."""
        self.wait_for_the_end_of_the_break(0.0)
        self.probe(is_good)
        before = len(self.open_calls)
        for _ in range(calls):
            self.begin()
        for _ in range(before, len(self.open_calls)):
            self._end(len(self.open_calls) - 1, how)

    @precondition(lambda self: self.predicted.state in ("open", "half_open"))
    @rule()
    def probes_until_probation(self) -> None:
        for _ in range(65):
            if self.predicted.state != "closed":
                self.probe(True)
        assert self.predicted.state == "closed"

    def _advance(self, by_s: float) -> None:
        self.clock.advance(by_s)
        self.predicted.now_s += by_s

    # What must hold after each step

    @invariant()
    def looks_as_predicted(self) -> None:
        if not hasattr(self, "breaker"):
            return
        view = self.breaker.view()
        assert view.state.value == self.predicted.state == self.breaker.state.value
        if self.predicted.state == "closed":
            assert view.failures == self.predicted.streak
        assert view.next_trial_in_s == self.predicted.trial_in_s()
        assert self.breaker.admits() == self.predicted.lets_in()

    @invariant()
    def told_as_it_happened(self) -> None:
        if not hasattr(self, "breaker"):
            return
        assert [_facts(told.name, told.fields) for told in self.log.told] == self.predicted.told
        assert all(told.fields["service"] == "voice" for told in self.log.told)
        assert self.breaker.changed.is_set() or not self.log.told

    def teardown(self) -> None:
        """Whatever happened, the breaker can recover, and does so with the first answer."""
        if not hasattr(self, "breaker"):
            return
        while self.open_calls:
            self._end(0, "Ctrl-C")
        self.lift()
        self.wait_for_the_end_of_the_break(0.0)
        if self.predicted.state != "closed":
            self.probe(True)
        self.whole_call("ok")
        assert self.breaker.state is BreakerState.CLOSED
        assert self.breaker.fail_counter == 0
        self.told_as_it_happened()


def _facts(name: EventName, fields: dict[str, FieldValue]) -> tuple[object, ...]:
    state = fields["breaker_state"]
    match name:
        case EventName.BREAKER_OPENED:
            assert fields["is_forced"] == (state == "forced_open")
            return (state, fields["is_retrip"])
        case EventName.BREAKER_CLOSED:
            return (state, fields["elapsed_s"], fields["is_on_probation"])
        case _:
            return (state,)


def run_model(max_examples: int, *, is_hunt: bool = False) -> None:
    run_state_machine_as_test(
        BreakerAgainstPrediction,
        settings=settings(
            max_examples=max_examples,
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            print_blob=False,
            phases=[Phase.generate] if is_hunt else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_breaker_keeps_its_invariants_under_overlapping_calls() -> None:
    run_model(max_examples=500)


# Planted bugs: the model must find each, else it proves nothing.

Mutate = Callable[[pytest.MonkeyPatch], None]
_settle, _verdict_on, _trip = Circuit.settle, circuit.verdict_on, Circuit._trip


def no_fence(patch: pytest.MonkeyPatch) -> None:
    def settle(self: Circuit, permit: Permit, error: BaseException | None, now_s: float) -> None:
        _settle(self, replace(permit, era=self._era), error, now_s)

    patch.setattr(Circuit, "settle", settle)


def ignored_counts_as_success(patch: pytest.MonkeyPatch) -> None:
    def verdict_on(error: BaseException | None) -> Verdict:
        verdict = _verdict_on(error)
        return Verdict.SUCCESS if verdict is Verdict.IGNORED else verdict

    patch.setattr(circuit, "verdict_on", verdict_on)


def ctrl_c_counts_as_failure(patch: pytest.MonkeyPatch) -> None:
    def verdict_on(error: BaseException | None) -> Verdict:
        return Verdict.FAILURE if isinstance(error, KeyboardInterrupt) else _verdict_on(error)

    patch.setattr(circuit, "verdict_on", verdict_on)


def ambiguous_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    def verdict_on(error: BaseException | None) -> Verdict:
        is_it = isinstance(error, type(ambiguous()))
        return Verdict.IGNORED if is_it else _verdict_on(error)

    patch.setattr(circuit, "verdict_on", verdict_on)


def ignored_keeps_the_permit(patch: pytest.MonkeyPatch) -> None:
    def settle(self: Circuit, permit: Permit, error: BaseException | None, now_s: float) -> None:
        if _verdict_on(error) is not Verdict.IGNORED:
            _settle(self, permit, error, now_s)

    patch.setattr(Circuit, "settle", settle)


def half_open_admits_everyone(patch: pytest.MonkeyPatch) -> None:
    is_admitting = Circuit.is_admitting
    patch.setattr(
        Circuit,
        "is_admitting",
        lambda self, now_s: self.state is BreakerState.HALF_OPEN or is_admitting(self, now_s),
    )


def good_probe_wipes_a_closed_count(patch: pytest.MonkeyPatch) -> None:
    probe_passed = Circuit.probe_passed

    def wiping(self: Circuit, healthy_threshold: int, now_s: float) -> bool:
        if self.state is BreakerState.CLOSED:
            self.failures = 0
        return probe_passed(self, healthy_threshold, now_s)

    patch.setattr(Circuit, "probe_passed", wiping)


def good_probe_lifts_forced_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Circuit, "_hears_probes", lambda self: self.state is not BreakerState.CLOSED)


def time_alone_admits_after_a_bad_probe(patch: pytest.MonkeyPatch) -> None:
    init = Circuit.__init__

    def without_gate(self: Circuit, policy: BreakerPolicy, *, has_probe: bool) -> None:
        init(self, policy, has_probe=False)

    patch.setattr(Circuit, "__init__", without_gate)


def wall_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HandClock, "monotonic", lambda self: self.now().timestamp())


def forcing_twice_tells_twice(patch: pytest.MonkeyPatch) -> None:
    def force_open(self: Circuit, reason: str, now_s: float) -> None:
        self.last_error = reason
        _trip(self, BreakerState.FORCED_OPEN, now_s, 0)

    patch.setattr(Circuit, "force_open", force_open)


def break_does_not_grow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BreakerPolicy, "break_s", lambda self, retrips: self.recovery_timeout_s)


def break_grows_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        BreakerPolicy, "break_s", lambda self, retrips: self.recovery_timeout_s * 2.0**retrips
    )


def success_does_not_end_the_incident(patch: pytest.MonkeyPatch) -> None:
    succeed = Circuit._succeed

    def forgetful(self: Circuit, permit: Permit, now_s: float) -> None:
        incident = self._incident
        succeed(self, permit, now_s)
        self._incident = incident

    patch.setattr(Circuit, "_succeed", forgetful)


def reset_without_probation(patch: pytest.MonkeyPatch) -> None:
    close = Circuit._close_on_probation

    def with_a_clean_slate(self: Circuit, now_s: float) -> None:
        close(self, now_s)
        self.failures = 0

    patch.setattr(Circuit, "_close_on_probation", with_a_clean_slate)


def broken_probations_are_forgiven(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Circuit, "_passes_wanted", lambda self, threshold: threshold)


def failed_trial_does_not_reopen(patch: pytest.MonkeyPatch) -> None:
    def fail(self: Circuit, permit: Permit, error: BaseException | None, now_s: float) -> None:
        self.failures += 1
        if self.state is BreakerState.CLOSED and self.failures >= self._policy.failure_threshold:
            _trip(self, BreakerState.OPEN, now_s, permit.retry_count, error)

    patch.setattr(Circuit, "_fail", fail)


def opens_one_failure_late(patch: pytest.MonkeyPatch) -> None:
    fail = Circuit._fail

    def late(self: Circuit, permit: Permit, error: BaseException | None, now_s: float) -> None:
        if self.failures == 0 and self.state is BreakerState.CLOSED:
            self.failures -= 1
        fail(self, permit, error, now_s)

    patch.setattr(Circuit, "_fail", late)


@contextlib.contextmanager
def _nothing_contained(*_errors: type[BaseException]) -> Iterator[None]:
    yield


def listener_may_raise_into_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(contextlib, "suppress", _nothing_contained)


MUTANTS: list[Mutate] = [
    no_fence,
    ignored_counts_as_success,
    ctrl_c_counts_as_failure,
    ambiguous_is_not_counted,
    ignored_keeps_the_permit,
    half_open_admits_everyone,
    good_probe_wipes_a_closed_count,
    good_probe_lifts_forced_open,
    time_alone_admits_after_a_bad_probe,
    wall_clock,
    forcing_twice_tells_twice,
    break_does_not_grow,
    break_grows_without_end,
    success_does_not_end_the_incident,
    reset_without_probation,
    broken_probations_are_forgiven,
    failed_trial_does_not_reopen,
    opens_one_failure_late,
    listener_may_raise_into_the_call,
]


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_model_finds_the_planted_bug(mutate: Mutate, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        mutate(patch)
        with pytest.raises((AssertionError, OSError, CircuitOpen)):
            run_model(max_examples=150, is_hunt=True)
