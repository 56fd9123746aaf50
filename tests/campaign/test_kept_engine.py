"""An engine that is begun anew, and one that is stopped whenever that comes."""

import threading
from collections.abc import Callable

import pytest

from callagent_cli.campaign.kept_engine import KeptEngine
from callagent_cli.domain.errors import LedgerError

_SOON_S = 10.0


class HandTurned:
    """An engine that runs until it is stopped, or is lost at once."""

    def __init__(self, *, is_lost: bool = False) -> None:
        self.stopped, self.begun = threading.Event(), threading.Event()
        self._is_lost = is_lost

    def run(self) -> None:
        self.begun.set()
        if self._is_lost:
            raise LedgerError("the queue cannot be used")
        self.stopped.wait()

    def stop(self) -> None:
        self.stopped.set()


Start = Callable[[Callable[[], object]], threading.Thread]


@pytest.fixture
def start() -> Start:
    def begin(body: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        return thread

    return begin


def test_an_engine_that_was_being_made_when_all_was_stopped_does_not_run_on(start: Start) -> None:
    engine, is_asked, may_go_on = HandTurned(), threading.Event(), threading.Event()

    def make() -> HandTurned:
        is_asked.set()
        assert may_go_on.wait(_SOON_S)
        return engine

    kept = KeptEngine(make, on_lost=lambda: None)
    at_work = start(kept.run)
    assert is_asked.wait(_SOON_S)
    stopping = start(kept.stop)
    stopping.join(0.05)  # it has returned, or waits for the engine: both are told apart below
    may_go_on.set()
    at_work.join(_SOON_S)
    stopping.join(_SOON_S)
    assert not at_work.is_alive()
    assert not stopping.is_alive()


def test_one_that_loses_its_server_is_followed_by_another_until_stopped(start: Start) -> None:
    engines = [HandTurned(is_lost=True), HandTurned(is_lost=True), HandTurned()]
    waiting, told = list(engines), []
    kept = KeptEngine(lambda: waiting.pop(0), on_lost=lambda: told.append("lost"))
    at_work = start(kept.run)
    assert engines[-1].begun.wait(_SOON_S)
    kept.stop()
    at_work.join(_SOON_S)
    assert not at_work.is_alive()
    assert told == ["lost", "lost"]


def test_after_a_stop_none_is_begun() -> None:
    kept = KeptEngine(HandTurned, on_lost=lambda: None)
    kept.stop()
    kept.run()  # returns
