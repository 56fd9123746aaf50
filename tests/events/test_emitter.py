import threading
from collections.abc import Callable

import pytest

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.event import Event, EventName, Level
from callagent_cli.events.emitter import Emitter
from tests.support.hand_clock import HandClock


def emitter(say: Callable[[str], None] = lambda text: None) -> Emitter:
    return Emitter(HandClock(), run_id="run_1", campaign="spring", say=say)


def test_event_carries_time_level_run_and_campaign() -> None:
    clock, heard = HandClock(), list[Event]()
    emit = Emitter(clock, run_id="run_1", campaign="spring")
    emit.listen(heard.append)
    clock.advance(36.0)
    emit(EventName.BREAKER_OPENED, service="voice")
    [event] = heard
    assert event.at == clock.now()
    assert event.level is Level.ERROR
    assert event.fields == {"run_id": "run_1", "campaign": "spring", "service": "voice"}


def test_field_without_a_value_is_dropped() -> None:
    heard = list[Event]()
    emit = emitter()
    emit.listen(heard.append)
    emit(EventName.CALL_ENDED, error=None, cost_usd=0.0)
    assert "error" not in heard[0].fields
    assert heard[0].fields["cost_usd"] == 0.0


def test_listeners_hear_in_the_order_in_which_they_joined() -> None:
    heard = list[str]()
    emit = emitter()
    emit.listen(lambda event: heard.append("first"))
    emit.listen(lambda event: heard.append("second"))
    emit(EventName.RUN_STARTED)
    assert heard == ["first", "second"]


def test_listener_that_raises_is_contained_and_told_once() -> None:
    said, heard = list[str](), list[Event]()

    def broken(event: Event) -> None:
        raise RuntimeError("secret inside")

    emit = emitter(said.append)
    emit.listen(broken)
    emit.listen(heard.append)
    emit(EventName.RUN_STARTED)
    emit(EventName.RUN_FINISHED)
    assert [event.name for event in heard] == [EventName.RUN_STARTED, EventName.RUN_FINISHED]
    assert emit.faults == 2
    [told] = said
    assert "RuntimeError" in told
    assert "secret" not in told


def test_fault_goes_to_stderr_when_nobody_else_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(event: Event) -> None:
        raise KeyError(event.name)

    emit = Emitter(HandClock(), run_id="run_1")
    emit.listen(broken)
    emit(EventName.RUN_STARTED)
    emit(EventName.RUN_FINISHED)
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.count("a listener of events failed") == 1


def test_event_emitted_by_a_listener_follows_the_one_it_heard() -> None:
    heard = list[EventName]()
    emit = emitter()

    def answer(event: Event) -> None:
        if event.name is EventName.BREAKER_OPENED:
            emit(EventName.ALERT_SENT)

    emit.listen(answer)
    emit.listen(lambda event: heard.append(event.name))
    emit(EventName.BREAKER_OPENED)
    assert heard == [EventName.BREAKER_OPENED, EventName.ALERT_SENT]


def test_all_listeners_hear_the_same_order_whatever_the_threads_do() -> None:
    first, second = list[object](), list[object]()
    emit, gate = emitter(), threading.Barrier(8)
    emit.listen(lambda event: first.append(event.fields["no"]))
    emit.listen(lambda event: second.append(event.fields["no"]))

    def talk(thread: int) -> None:
        gate.wait(10)
        for k in range(200):
            emit(EventName.CALL_PLACED, no=thread * 1000 + k)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert first == second
    assert len(first) == 1600
    for thread_no in range(8):
        own = [no for no in first if isinstance(no, int) and no // 1000 == thread_no]
        assert own == sorted(own)


def test_listener_that_hangs_delays_no_other_call() -> None:
    hangs, released = threading.Event(), threading.Event()
    emit = emitter()

    def hang(event: Event) -> None:
        hangs.set()
        assert released.wait(10)

    emit.listen(hang)
    stuck = threading.Thread(target=emit, args=(EventName.CALL_PLACED,))
    stuck.start()
    assert hangs.wait(10)
    emit(EventName.CALL_ENDED)  # returns at once, or the test times out
    released.set()
    stuck.join(10)
    assert not stuck.is_alive()


def test_who_must_know_waits_until_all_has_been_heard_and_not_for_ever() -> None:
    hangs, released, heard = threading.Event(), threading.Event(), list[EventName]()
    emit = Emitter(SystemClock(), run_id="run_1")

    def hang(event: Event) -> None:
        if event.name is EventName.DELIVERY_SENT:
            hangs.set()
            assert released.wait(10)

    emit.listen(hang)
    emit.listen(lambda event: heard.append(event.name))
    teller = threading.Thread(target=emit, args=(EventName.DELIVERY_SENT,))
    teller.start()
    assert hangs.wait(10)
    emit(EventName.RUN_FINISHED)  # left to the other thread
    assert not emit.settle(0.01)
    assert heard == []
    released.set()
    assert emit.settle(10)
    assert heard == [EventName.DELIVERY_SENT, EventName.RUN_FINISHED]
    teller.join(10)


def test_with_nothing_untold_nobody_waits() -> None:
    emit = emitter()
    assert emit.settle(0)
    emit(EventName.RUN_STARTED)
    assert emit.settle(0)
