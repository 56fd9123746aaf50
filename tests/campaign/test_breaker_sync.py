"""Breakers of several processes, agreed on in one ledger."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from callagent_cli.campaign.breaker_sync import BreakerSync
from callagent_cli.domain.errors import CallAgentError, TransientError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.store import Ledger
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from tests.support.hand_clock import HandClock


class Process:
    def __init__(self, folder: Path, url: str) -> None:
        self.clock = HandClock()
        self.ledger = Ledger.open(folder, clock=self.clock, enough_bytes=0, url=url)
        self.fleet = self.ledger.fleet()
        self.emit = Emitter(self.clock, run_id=folder.name)
        policy = BreakerPolicy(failure_threshold=4)
        self.breaker = Breaker("voice", policy, clock=self.clock, emit=self.emit, has_probe=True)
        self.proven: list[str] = []
        self.sync = BreakerSync(
            [self.breaker],
            self.fleet,
            folder.name,
            clock=self.clock,
            over=self.clock.signal(),
            on_proof=self.proven.append,
        )
        self.emit.listen(self.sync)

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(CallAgentError), self.breaker.calling():
                raise TransientError("voice", "503")

    def place(self) -> None:
        with self.breaker.calling():
            pass
        self.emit(EventName.CALL_PLACED, service="voice")

    def agree(self) -> str:
        self.sync.agree()
        return self.breaker.state


@pytest.fixture
def crew(tmp_path: Path, database_url: str) -> Iterator[tuple[Process, Process, Process]]:
    with ExitStack() as stack:
        processes = [Process(tmp_path / name, database_url) for name in ("a", "b", "c")]
        for process in processes:
            stack.enter_context(process.ledger)
        a, b, c = processes
        yield a, b, c


Crew = tuple[Process, Process, Process]


def test_what_one_finds_out_all_know(crew: Crew) -> None:
    finder, leader, third = crew
    finder.fail(4)
    assert [process.agree() for process in crew] == [BreakerState.OPEN] * 3
    leader.breaker.probe_passed(1)
    assert leader.agree() is BreakerState.CLOSED
    assert finder.agree() is third.agree() is BreakerState.CLOSED
    assert leader.fleet.proven_services() == []


def test_on_probation_one_failure_opens_it_for_all(crew: Crew) -> None:
    finder, leader, third = crew
    finder.fail(4)
    for process in (*crew, leader):
        process.agree()
    leader.breaker.probe_passed(1)
    assert [process.agree() for process in (leader, *crew)] == [BreakerState.CLOSED] * 4
    third.fail()
    assert [process.agree() for process in (third, *crew)] == [BreakerState.OPEN] * 4


def test_the_first_answer_that_one_has_ends_the_outage_for_all(crew: Crew) -> None:
    finder, leader, third = crew
    finder.fail(4)
    assert [process.agree() for process in crew] == [BreakerState.OPEN] * 3
    leader.breaker.probe_passed(1)
    assert [process.agree() for process in (leader, *crew)] == [BreakerState.CLOSED] * 4
    finder.place()
    for process in crew:
        process.agree()
    assert [process.proven for process in crew] == [[], ["voice"], ["voice"]]  # once, by others
    assert third.fleet.proven_services() == ["voice"]
    third.fail(3)  # as many as it bears at any other time
    assert [process.agree() for process in (third, *crew)] == [BreakerState.CLOSED] * 4


def test_an_answer_from_before_the_outage_ends_nothing(crew: Crew) -> None:
    finder, leader, third = crew
    finder.fail(4)
    third.place()  # it does not know yet
    assert [process.agree() for process in crew] == [BreakerState.OPEN] * 3
    third.emit(EventName.CALL_PLACED, service="voice")  # heard late
    assert [process.agree() for process in crew] == [BreakerState.OPEN] * 3
    assert leader.fleet.proven_services() == []


def test_one_that_comes_later_learns_how_it_stands(crew: Crew) -> None:
    finder, leader, newcomer = crew
    finder.fail(4)
    assert finder.agree() is leader.agree() is BreakerState.OPEN
    leader.breaker.probe_passed(1)
    leader.place()  # told in one go
    assert leader.agree() is BreakerState.CLOSED
    assert newcomer.agree() is finder.agree() is BreakerState.CLOSED
    assert newcomer.proven == finder.proven == ["voice"]


def test_who_was_overtaken_heeds_what_stands(crew: Crew) -> None:
    finder, leader, third = crew
    finder.fail(4)
    third.fail(4)  # at the same moment: one of them tells
    assert [process.agree() for process in crew] == [BreakerState.OPEN] * 3
    shared = leader.fleet.shared_breakers()["voice"]
    assert (shared.epoch, shared.run_id) == (1, "a")
