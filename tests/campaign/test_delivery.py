"""Messages on their way: in order, through a guard, never lost, never given up in silence."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callagent_cli.campaign.delivery import Deliveries, Route
from callagent_cli.config.services import CircuitBreaker, Retry
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    TransientError,
)
from callagent_cli.domain.event import EventName
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.store import Ledger
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.wiring.guards import guard_of
from tests.support.event_log import EventLog

BEGAN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class Shelf:
    """A destination that can be asked what it has, and fails as it is told."""

    def __init__(self, clock: VirtualClock, name: str = "crm", most_at_once: int = 1) -> None:
        self.name, self.most_at_once = name, most_at_once
        self._clock = clock
        self.has: list[str] = []
        self.asked: list[tuple[float, tuple[str, ...]]] = []
        self.faults: list[ServiceError | None] = []  # of the next requests; None: none
        self.is_down = False
        self.unwanted: frozenset[str] = frozenset()

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        keys = tuple(delivery.key for delivery in deliveries)
        self.asked.append(((self._clock.now() - BEGAN).total_seconds(), keys))
        if self.unwanted & set(keys):
            raise ContactError(self.name, "404 no such contact")
        if self.is_down:
            raise TransientError(self.name, "503")
        fault = self.faults.pop(0) if self.faults else None
        is_lost = isinstance(fault, AmbiguousError)
        if fault is not None and not is_lost:
            raise fault
        for delivery in deliveries:
            if not (delivery.earlier_tries and delivery.key in self.has):
                self.has.append(delivery.key)
        if is_lost and fault is not None:
            raise fault


class Bench:
    def __init__(self, state_dir: Path) -> None:
        self.clock = VirtualClock(BEGAN)
        self.ledger = Ledger.open(state_dir, clock=self.clock, enough_bytes=0)
        self.log = EventLog(self.clock)
        self.emit = Emitter(self.clock, run_id="run_1")
        self.emit.listen(lambda event: self.log(event.name, **event.fields))

    def deliveries(
        self, *shelves: Shelf, retries: int = 0, most_tries: int = 24, gather_s: float = 0.0
    ) -> Deliveries:
        stop = self.clock.signal()
        routes = [
            Route(
                shelf,
                guard_of(
                    shelf.name,
                    Retry(initial_delay=1, max_attempts=retries),
                    CircuitBreaker(),
                    clock=self.clock,
                    stop=stop,
                    emit=self.emit,
                    has_probe=False,
                ),
                wakes_on=frozenset({EventName.CALL_ENDED}),
                gather_s=gather_s,
            )
            for shelf in shelves
        ]
        made = Deliveries(
            routes, self.ledger, self.clock, self.emit, stop=stop, most_tries=most_tries
        )
        self.emit.listen(made)
        return made

    def owe(self, *keys: str, to: str = "crm") -> None:
        self.ledger.owe([Message(to, key, {"key": key}) for key in keys])
        self.emit(EventName.CALL_ENDED)

    def pass_time(self, seconds: float) -> None:
        self.clock.signal().wait(seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state")
    yield made
    made.ledger.close()


def test_what_becomes_owed_during_a_run_is_delivered_in_order(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    deliveries = bench.deliveries(shelf)
    deliveries.start()
    bench.owe("a", "b")
    bench.pass_time(1)
    bench.owe("c")
    bench.pass_time(1)
    assert shelf.has == ["a", "b", "c"]
    assert deliveries.flush(10) == {}
    assert [told["key"] for told in bench.log.of(EventName.DELIVERY_SENT)] == ["a", "b", "c"]


def test_one_destinations_outage_holds_up_no_other(bench: Bench) -> None:
    down, well = Shelf(bench.clock, "crm"), Shelf(bench.clock, "sheets")
    down.is_down = True
    deliveries = bench.deliveries(down, well)
    deliveries.start()
    bench.owe("a")
    bench.owe("a", to="sheets")
    bench.pass_time(1)
    assert (down.has, well.has) == ([], ["a"])
    assert deliveries.flush(10) == {"crm": 1}


def test_after_an_outage_everything_arrives_once_and_in_order(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.is_down = True
    deliveries = bench.deliveries(shelf)
    deliveries.start()
    keys = [f"m{n}" for n in range(20)]
    bench.owe(*keys)
    bench.pass_time(3600)
    assert shelf.has == []
    during = len(shelf.asked)
    assert during <= 12, "a message that waits is not asked about all the time"
    shelf.is_down = False
    bench.pass_time(3600)
    assert shelf.has == keys
    assert deliveries.flush(10) == {}


def test_a_lost_answer_is_asked_after_and_nothing_is_there_twice(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.faults = [AmbiguousError("crm", "the connection dropped")]
    deliveries = bench.deliveries(shelf, retries=3)
    deliveries.start()
    bench.owe("a", "b")
    bench.pass_time(120)
    assert shelf.has == ["a", "b"]
    assert [keys for _, keys in shelf.asked] == [("a",), ("a",), ("b",)]
    deliveries.flush(10)


def test_what_will_never_be_taken_is_a_dead_letter_and_the_next_goes_on(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.unwanted = frozenset({"a"})
    deliveries = bench.deliveries(shelf)
    bench.owe("a", "b")
    assert deliveries.flush(10) == {}
    assert shelf.has == ["b"]
    [dead] = bench.ledger.list_messages("dead")
    assert (dead.key, dead.last_error) == ("a", "404 no such contact")
    [told] = bench.log.of(EventName.DELIVERY_DEAD_LETTERED)
    assert (told["service"], told["key"]) == ("crm", "a")


def test_of_a_batch_only_the_one_that_is_not_taken_dies(bench: Bench) -> None:
    shelf = Shelf(bench.clock, most_at_once=10)
    shelf.unwanted = frozenset({"b"})
    deliveries = bench.deliveries(shelf)
    bench.owe("a", "b", "c")
    assert deliveries.flush(10) == {}
    assert shelf.has == ["a", "c"]
    assert [dead.key for dead in bench.ledger.list_messages("dead")] == ["b"]


def test_a_message_that_fails_every_time_dies_after_its_last_try(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.faults = [TransientError("crm", "500")] * 3
    deliveries = bench.deliveries(shelf, most_tries=3)
    deliveries.start()
    bench.owe("poison", "good")
    bench.pass_time(3600)
    assert shelf.has == ["good"]
    assert [at for at, keys in shelf.asked if keys == ("poison",)] == [0.0, 60.0, 180.0]
    assert [dead.key for dead in bench.ledger.list_messages("dead")] == ["poison"]
    deliveries.flush(10)


def test_a_refusal_keeps_everything_and_asks_no_more(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    refused = ServiceRefused("crm", "401", kind=RefusalKind.CREDENTIALS)
    shelf.faults = [refused]
    deliveries = bench.deliveries(shelf)
    deliveries.start()
    bench.owe("a", "b")
    bench.pass_time(7200)
    assert len(shelf.asked) == 1
    assert deliveries.flush(10) == {"crm": 2}
    again = bench.ledger.due("crm", bench.clock.now(), most=1, early=True)
    assert again.deliveries[0].earlier_tries == 0, "a refused try reached nothing"


def test_the_end_of_a_run_waits_no_longer_than_it_may(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.is_down = True
    deliveries = bench.deliveries(shelf, retries=10)
    deliveries.start()
    bench.owe("a")
    bench.pass_time(0.5)
    began = bench.clock.now()
    assert deliveries.flush(10) == {"crm": 1}
    assert bench.clock.now() - began <= timedelta(seconds=10)


def test_what_was_put_off_is_tried_once_more_at_the_end(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.faults = [TransientError("crm", "503")]
    deliveries = bench.deliveries(shelf)
    deliveries.start()
    bench.owe("a", "b")
    bench.pass_time(1)
    assert shelf.has == []
    assert deliveries.flush(10) == {}
    assert shelf.has == ["a", "b"]


def test_rows_that_come_one_by_one_travel_together(bench: Bench) -> None:
    shelf = Shelf(bench.clock, most_at_once=100)
    deliveries = bench.deliveries(shelf, gather_s=5)
    deliveries.start()
    bench.pass_time(1)
    for n in range(10):
        bench.owe(f"r{n}")
        bench.pass_time(0.1)
    bench.pass_time(10)
    assert shelf.has == [f"r{n}" for n in range(10)]
    assert len(shelf.asked) == 1
    deliveries.flush(10)


def test_the_next_run_goes_on_with_what_this_one_owed(bench: Bench) -> None:
    shelf = Shelf(bench.clock)
    shelf.is_down = True
    bench.owe("a", "b")
    assert bench.deliveries(shelf).flush(10) == {"crm": 2}
    shelf.is_down = False
    assert bench.deliveries(shelf).flush(10) == {}
    assert shelf.has == ["a", "b"]
