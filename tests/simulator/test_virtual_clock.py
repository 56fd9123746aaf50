"""The clock under every simulation: order, exactness, pacing, and no wait that hangs."""

import signal as signals
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator.virtual_clock import VirtualClock

START = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
REAL_S = 20.0  # longer than any test may take: a wait that reaches it has failed


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START, patience_s=0.3)


def story_of_three_workers() -> list[tuple[float, str]]:
    clock, story = VirtualClock(START), list[tuple[float, str]]()

    def worker(name: str, pause_s: float) -> Callable[[], None]:
        def work() -> None:
            for step in range(5):
                clock.signal().wait(pause_s)
                story.append((clock.monotonic(), f"{name}{step}"))

        return work

    tasks = [clock.spawn(name, worker(name, s)) for name, s in (("a", 2), ("b", 3), ("c", 2))]
    for task in tasks:
        task.join()
    return story


def waiting(clock: Clock, seconds: float) -> Callable[[], None]:
    def work() -> None:
        clock.signal().wait(seconds)

    return work


def run_outside(work: Callable[[], object]) -> threading.Thread:
    """In a thread that the clock did not start."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_hundred_runs_tell_the_same_story() -> None:
    first = story_of_three_workers()
    assert all(story_of_three_workers() == first for _ in range(99))
    assert [what for at_s, what in first if at_s <= 4] == ["a0", "c0", "b0", "a1", "c1"]


def test_time_jumps_to_the_deadline_and_is_exact(clock: VirtualClock) -> None:
    began = time.monotonic()
    assert clock.monotonic() == 0.0
    assert clock.signal().wait(14 * 86400.0) is False
    assert clock.monotonic() == 14 * 86400.0
    assert clock.now() == START + timedelta(days=14)
    assert time.monotonic() - began < REAL_S


def test_many_small_waits_do_not_drift(clock: VirtualClock) -> None:
    for _ in range(1000):
        clock.signal().wait(0.25)
    assert clock.monotonic() == 250.0


def test_two_tasks_play_ping_pong_at_one_instant(clock: VirtualClock) -> None:
    ping, pong, story = clock.signal(), clock.signal(), list[str]()

    def returns() -> None:
        for _ in range(50):
            ping.wait()
            ping.clear()
            story.append("pong")
            pong.set()

    other = clock.spawn("returns", returns)
    for _ in range(50):
        story.append("ping")
        ping.set()
        pong.wait()
        pong.clear()
    assert other.join()
    assert story == ["ping", "pong"] * 50
    assert clock.monotonic() == 0.0


def test_signal_set_by_another_task_wakes_at_that_instant(clock: VirtualClock) -> None:
    news, woken = clock.signal(), list[tuple[bool, float]]()

    def sets() -> None:
        clock.signal().wait(7.5)
        news.set()

    def waits() -> None:
        woken.append((news.wait(60), clock.monotonic()))

    tasks = [clock.spawn("sets", sets), *(clock.spawn(f"waits-{n}", waits) for n in range(3))]
    assert all(task.join() for task in tasks)
    assert woken == [(True, 7.5)] * 3
    assert clock.monotonic() == 7.5, "the deadlines of waits that are over move no time"


def test_signal_that_is_set_does_not_wait_and_one_that_is_cleared_does(
    clock: VirtualClock,
) -> None:
    news = clock.signal()
    news.set()
    assert news.is_set()
    assert news.wait(5) is True
    assert clock.monotonic() == 0.0
    news.clear()
    assert news.wait(5) is False
    assert clock.monotonic() == 5.0


def test_wait_of_no_time_returns_at_once(clock: VirtualClock) -> None:
    assert clock.signal().wait(0) is False
    assert clock.signal().wait(-1) is False
    assert clock.monotonic() == 0.0


def test_one_thread_runs_at_a_time(clock: VirtualClock) -> None:
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        for _ in range(20):
            running += 1
            most = max(most, running)
            for _ in range(200):
                pass
            running -= 1
            clock.signal().wait(1)

    tasks = [clock.spawn(f"t{n}", work) for n in range(8)]
    assert all(task.join() for task in tasks)
    assert most == 1


def test_join_gives_up_after_its_time_and_succeeds_later(clock: VirtualClock) -> None:
    task = clock.spawn("slow", waiting(clock, 10))
    assert task.join(4) is False
    assert clock.monotonic() == 4.0
    assert task.join(60) is True
    assert clock.monotonic() == 10.0
    assert task.join() is True


def test_exception_in_a_task_wedges_nobody(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = list[object]()
    monkeypatch.setattr(threading, "excepthook", lambda told: raised.append(told.exc_type))

    def fails() -> None:
        clock.signal().wait(1)
        raise ZeroDivisionError

    failing = clock.spawn("fails", fails)
    living = clock.spawn("lives", waiting(clock, 5))
    assert failing.join(60) is True
    assert clock.monotonic() == 1.0
    assert living.join(60) is True
    assert clock.monotonic() == 5.0
    assert raised == [ZeroDivisionError]


def test_task_may_spawn_tasks(clock: VirtualClock) -> None:
    reached = list[float]()

    def grandchild() -> None:
        clock.signal().wait(2)
        reached.append(clock.monotonic())

    def child() -> None:
        clock.signal().wait(1)
        clock.spawn("grandchild", grandchild).join()

    assert clock.spawn("child", child).join()
    assert reached == [3.0]


def test_everybody_waiting_for_ever_is_an_error_in_each_and_not_a_hang(
    clock: VirtualClock,
) -> None:
    told = list[str]()

    def waits() -> None:
        try:
            clock.signal().wait()
        except RuntimeError as error:
            told.append(str(error))

    for n in range(3):
        clock.spawn(f"waits-{n}", waits)
    with pytest.raises(RuntimeError, match="waits for ever"):
        clock.signal().wait()
    clock.signal().wait(1)
    assert told == ["every thread waits for ever on the virtual clock"] * 3


def test_set_from_outside_ends_a_wait_without_deadline(clock: VirtualClock) -> None:
    news = clock.signal()
    thread = run_outside(news.set)
    assert news.wait() is True
    thread.join()


def test_task_spawned_from_outside_runs_while_everybody_waits(clock: VirtualClock) -> None:
    news = clock.signal()
    thread = run_outside(partial(clock.spawn, "sets", news.set))
    assert news.wait() is True
    thread.join()


def test_outsider_waits_in_real_time_and_hears_a_set(clock: VirtualClock) -> None:
    news, heard = clock.signal(), list[bool]()
    listens = threading.Event()

    def outsider() -> None:
        heard.append(news.wait(0.01))
        listens.set()
        heard.append(news.wait(REAL_S))

    thread = run_outside(outsider)
    assert listens.wait(REAL_S)
    news.set()
    news.clear()  # a listener hears it although the flag is down again, or finds it later set
    news.set()
    thread.join(REAL_S)
    assert heard == [False, True]


def test_pacing_takes_the_scaled_time() -> None:
    clock = VirtualClock(START, speed=200)
    began = time.monotonic()
    clock.signal().wait(30)
    assert clock.monotonic() == 30.0
    assert 0.15 <= time.monotonic() - began < REAL_S


def test_set_from_outside_wakes_a_paced_wait_at_the_paced_time() -> None:
    clock, waits = VirtualClock(START, speed=10), threading.Event()
    news = clock.signal()

    def outsider() -> None:
        waits.wait(REAL_S)
        news.set()

    thread = run_outside(outsider)
    began = time.monotonic()
    waits.set()
    assert news.wait(10 * REAL_S * 10) is True
    real_s = time.monotonic() - began
    assert real_s < REAL_S
    assert 0.0 <= clock.monotonic() <= (real_s + 0.1) * 10
    thread.join()


def test_spectator_never_sees_time_go_back() -> None:
    clock, seen, over = VirtualClock(START, speed=1000), list[float](), threading.Event()

    def spectator() -> None:
        while not over.is_set():
            seen.append(clock.monotonic())

    thread = run_outside(spectator)
    clock.spawn("far", waiting(clock, 200))
    for _ in range(40):
        clock.signal().wait(2.5)
    over.set()
    thread.join()
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= 200.0


def press_ctrl_c() -> None:
    signals.pthread_kill(threading.main_thread().ident or 0, signals.SIGINT)


OnCtrlC = Callable[[Callable[..., object]], object]


@pytest.fixture
def on_ctrl_c() -> Iterator[OnCtrlC]:
    before = signals.getsignal(signals.SIGINT)
    yield partial(signals.signal, signals.SIGINT)
    signals.signal(signals.SIGINT, before)


def test_ctrl_c_ends_a_wait_of_the_main_thread_and_the_clock_goes_on(
    on_ctrl_c: OnCtrlC,
) -> None:
    on_ctrl_c(signals.default_int_handler)
    for _ in range(25):  # it comes at another moment each time
        clock = VirtualClock(START, speed=100_000, patience_s=REAL_S)

        def presses(clock: Clock = clock) -> None:
            press_ctrl_c()  # the main thread is in its wait, or this would not run
            clock.signal().wait(50)

        began_s = time.monotonic()
        other = clock.spawn("presses", presses)
        with pytest.raises(KeyboardInterrupt):
            clock.signal().wait()
        assert other.join(100_000) is True
        assert clock.signal().wait(10) is False, "the turns are in order again"
        assert time.monotonic() - began_s < REAL_S / 2, "nobody was stuck"


def test_signal_handler_may_set_what_its_own_thread_waits_for(
    on_ctrl_c: OnCtrlC,
) -> None:
    clock = VirtualClock(START, speed=1)
    news = clock.signal()
    on_ctrl_c(lambda *_: news.set())
    clock.spawn("presses", press_ctrl_c)
    assert news.wait(3600) is True


def test_start_without_a_zone_and_speed_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="speed"):
        VirtualClock(START, speed=0)


def test_virtual_clock_is_a_clock(clock: VirtualClock) -> None:
    as_clock: Clock = clock
    assert as_clock.now().tzinfo is UTC
