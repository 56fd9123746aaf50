"""Several hosts at one campaign: the real commands, a real server, a provider that remembers."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from callagent_cli import __version__
from tests.oracle import checks
from tests.support import far_host, late_program, newer_program
from tests.support.fleet import Fleet
from tests.support.postgres import Server
from tests.support.proxy import Proxy
from tests.sweeps.stage import CAMPAIGN, Oracle, Shape, numbers

MakeFleet = Callable[..., Fleet]


@pytest.fixture
def fleet_of(tmp_path: Path, server: Server, database_url: str) -> Iterator[MakeFleet]:
    del database_url  # emptied
    made: list[Fleet] = []

    def make(shape: Shape, **more: Any) -> Fleet:
        made.append(Fleet(tmp_path, server, Oracle(), shape, **more))
        return made[0]

    yield make
    for fleet in made:
        fleet.end()


def _status(fleet: Fleet) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(fleet.type("office", "status", "--json").out)
    return told


def test_workers_share_a_campaign_and_drain_on_term(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(contacts=60, concurrency=5))
    ordered = fleet.order()
    assert ordered.status == 0, ordered.err
    assert "nobody works on it" in ordered.out
    workers = [fleet.worker("a"), fleet.worker("b")]
    fleet.wait(fleet.is_settled)
    told = _status(fleet)["fleet"]
    assert sum(worker["dialled"] for worker in told["workers"]) in (0, 60)  # or they have left
    fleet.wait(lambda: not _status(fleet)["fleet"]["orders"])
    for worker in workers:
        worker.terminate()
        assert worker.wait(20) == 0
    assert checks.violations(fleet.evidence()) == []
    assert Counter(dial["phone"] for dial in fleet.dials()) == dict.fromkeys(
        numbers(fleet.shape), 1
    )
    assert fleet.most_at_once() <= 5
    events = [event for name in "ab" for event in fleet.log_events(name)]
    assert [event["event"] for event in events].count("run.finished") == 1  # told once
    assert _reigns_apart(events)


def _reigns_apart(events: list[dict[str, Any]]) -> bool:
    """Whether each leader was elected when the one before it had left."""
    leader, left = "", set[str]()
    for event in sorted(events, key=lambda event: event["timestamp"]):
        match event["event"]:
            case "worker.stopped":
                left.add(event["run_id"])
            case "leader.elected":
                if leader not in ("", event["run_id"], *left):
                    return False
                leader = event["run_id"]
    return leader != ""


def test_two_crons_at_the_same_minute_are_two_hands(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(contacts=40, concurrency=4))
    words = ("run", f"{CAMPAIGN}.csv", "--yes", "--json", "--no-live")
    both = [fleet.start(name, *words) for name in ("here", "there")]
    assert {process.wait(60) for process in both} <= {0, 3}
    assert Counter(dial["phone"] for dial in fleet.dials()) == dict.fromkeys(
        numbers(fleet.shape), 1
    )
    assert checks.violations(fleet.evidence()) == []
    assert fleet.most_at_once() <= 4
    assert _status(fleet)["fleet"]["orders"] == []


@pytest.mark.parametrize(
    ("done", "status", "said"),
    [
        ("close", 4, "3 contacts not settled yet"),
        ("pause", 5, "people is paused: wrong date; `callagent resume` goes on"),
    ],
)
def test_a_run_that_comes_too_late_to_lend_a_hand_says_how_things_stand(
    fleet_of: MakeFleet, done: str, status: int, said: str
) -> None:
    fleet = fleet_of(Shape(contacts=3))
    words = ("run", f"{CAMPAIGN}.csv", "--yes", "--no-live")
    late = fleet.start("here", *words, program=late_program.__name__, CALLAGENT_TEST_DONE=done)
    assert late.wait(60) == status, fleet.output("here")
    assert f"exit {status}: {said}" in fleet.output("here")
    assert fleet.dials() == []


@pytest.mark.parametrize("caught", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_says_so_and_another_one_goes_on(
    fleet_of: MakeFleet, caught: signal.Signals
) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=12, concurrency=2))
    running = fleet.start("here", "run", f"{CAMPAIGN}.csv", "--yes", "--no-live")
    fleet.wait(lambda: len(fleet.dials()) >= 2)
    running.send_signal(caught)
    assert running.wait(30) == 128 + caught
    assert "interrupted" in fleet.output("here")
    finished = [e for e in fleet.log_events("here") if e["event"] == "run.finished"]
    assert [event["exit_status"] for event in finished] == [128 + caught]
    assert _status(fleet)["fleet"]["orders"] == []
    again = fleet.start("here", "run", f"{CAMPAIGN}.csv", "--yes", "--no-live")
    assert again.wait(60) in (0, 3)
    assert checks.violations(fleet.evidence(kills=1)) == []


def test_a_limit_holds_for_all_of_them_together(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(contacts=40, concurrency=6))
    fleet.order("--limit", "7")
    for name in "abc":
        fleet.worker(name)
    fleet.wait(lambda: not _status(fleet)["fleet"]["orders"])
    assert len(fleet.dials()) == 7
    assert fleet.totals()["pending"] == 33


def test_the_pace_is_the_fleets_not_each_workers(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(contacts=12, concurrency=6))
    place = fleet.host("office")
    settings = json.loads((place / "config.yml").read_text())
    settings["campaign"]["calls_per_minute"] = 240
    (place / "config.yml").write_text(json.dumps(settings))
    fleet.order()
    for name in "abc":
        fleet.worker(name)
    fleet.wait(fleet.is_settled)
    begun = sorted(
        datetime.fromisoformat(str(row["claimed_at"])).timestamp()
        for row in fleet.evidence().last.attempts
    )
    gaps = [later - earlier for earlier, later in pairwise(begun)]
    assert min(gaps) >= 0.25


def test_pause_and_resume_count_for_every_host(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=30, concurrency=2))
    fleet.order()
    for name in "ab":
        fleet.worker(name)
    fleet.wait(lambda: len(fleet.dials()) >= 4)
    assert fleet.type("office", "pause", CAMPAIGN, "--reason", "wrong date").status == 0
    fleet.wait(lambda: fleet.totals()["in_progress"] == 0)
    before = len(fleet.dials())
    assert before < 30
    told = _status(fleet)
    assert told["fleet"]["orders"][0]["reason"] == "wrong date"
    wanted = {each["command"] for each in told["next"]} - {f"callagent retry {CAMPAIGN}"}
    assert wanted == {f"callagent resume {CAMPAIGN}"}  # no run: it would be refused
    rows = fleet.type("office", "status").out.splitlines()
    assert [row.split()[-1] for row in rows if "/30" in row] == ["paused"]
    refused = fleet.type("office", "run", f"{CAMPAIGN}.csv", "--yes")
    assert (refused.status, len(fleet.dials())) == (5, before)
    assert fleet.type("office", "pause", CAMPAIGN).status == 2
    assert fleet.type("office", "deliveries", "flush").status == 75  # a worker delivers
    assert fleet.type("office", "resume", CAMPAIGN).status == 0
    fleet.wait(fleet.is_settled)
    assert checks.violations(fleet.evidence()) == []


def test_a_worker_that_is_killed_loses_and_repeats_nobody(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=12, concurrency=3))
    fleet.order()
    killed = fleet.worker("a", lanes=3)
    fleet.wait(lambda: len(fleet.dials()) >= 3)
    killed.kill()
    fleet.worker("b", lanes=3)
    fleet.wait(fleet.is_settled, within_s=90)
    assert checks.violations(fleet.evidence(kills=1)) == []


def test_a_worker_that_slept_neither_dials_nor_disturbs_when_it_wakes(
    fleet_of: MakeFleet,
) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=12, concurrency=3))
    fleet.order()
    asleep = fleet.worker("a", lanes=3)
    fleet.wait(lambda: len(fleet.dials()) >= 3)
    asleep.send_signal(signal.SIGSTOP)
    fleet.worker("b", lanes=3)
    fleet.wait(fleet.is_settled, within_s=90)
    asleep.send_signal(signal.SIGCONT)
    asleep.terminate()
    assert asleep.wait(30) == 0
    assert checks.violations(fleet.evidence(kills=1)) == []


@pytest.mark.parametrize("crash", [lambda server: server.stop("immediate"), Server.kill])
def test_a_server_that_crashes_stops_nobody_for_long(
    fleet_of: MakeFleet, crash: Callable[[Server], None]
) -> None:
    fleet = _two_at_work(fleet_of)
    crash(fleet.server)
    fleet.server.start()
    fleet.wait(fleet.is_settled, within_s=90)
    assert checks.violations(fleet.evidence(kills=1)) == []
    assert all(worker.poll() is None for worker in fleet.processes)


def _two_at_work(fleet_of: MakeFleet) -> Fleet:
    fleet = fleet_of(Shape(schedule="slow!", contacts=24, concurrency=4))
    fleet.order()
    for name in "ab":
        fleet.worker(name)
    fleet.wait(lambda: len(fleet.dials()) >= 6)
    return fleet


def test_a_server_that_sleeps_longer_than_the_dead_are_waited_for(fleet_of: MakeFleet) -> None:
    fleet = _two_at_work(fleet_of)
    fleet.server.freeze()
    said = ("ledger.lost", "ledger.missed")  # the leader, after half a minute of it
    fleet.wait_for_log(lambda names: set(said) <= names, "ab", within_s=60)
    fleet.server.thaw()
    fleet.wait(fleet.is_settled, within_s=90)
    assert checks.violations(fleet.evidence(kills=1)) == []
    told = [e for name in "ab" for e in fleet.log_events(name) if e["event"] == "alert.sent"]
    assert [e["title"] for e in told if e["title"] == "ledger is down"] == ["ledger is down"]
    assert all(worker.poll() is None for worker in fleet.processes)


def test_versions_may_be_mixed_until_the_ledger_must_change(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=40, concurrency=2))
    fleet.order()
    old = fleet.worker("a", lanes=2)
    newer = ("worker", "--concurrency", "2")
    beside = fleet.start("b", *newer, program="tests.support.newer_program")
    fleet.wait(lambda: len(_status(fleet)["fleet"]["workers"]) == 2)
    versions = {worker["version"] for worker in _status(fleet)["fleet"]["workers"]}
    assert versions == {__version__, newer_program.VERSION}
    later = {"program": "tests.support.newer_program", "CALLAGENT_TEST_SCHEMA": "99"}
    assert fleet.start("c", *newer, **later).wait(30) == 75
    assert "another run holds the ledger" in fleet.output("c")
    for worker in (old, beside):
        worker.terminate()
        assert worker.wait(30) == 0
    fleet.start("c", *newer, **later)
    fleet.wait(lambda: "worker.started" in {e["event"] for e in fleet.log_events("c")})
    assert fleet.worker("a").wait(30) == 2
    assert "newer callagent (schema 99)" in fleet.output("a")
    fleet.wait(fleet.is_settled, within_s=60)
    counted = Counter(dial["phone"] for dial in fleet.dials())
    assert counted == dict.fromkeys(numbers(fleet.shape), 1)


def test_a_wire_that_is_cut_and_mended(fleet_of: MakeFleet, server: Server) -> None:
    proxy = Proxy(server.port)
    url = server.url.replace(str(server.port), str(proxy.port))
    fleet = fleet_of(Shape(schedule="slow!", contacts=12, concurrency=3), url=url)
    fleet.order()
    fleet.worker("a", lanes=3)
    fleet.wait(lambda: len(fleet.dials()) >= 3)
    proxy.cut()
    fleet.wait(lambda: "ledger.lost" in {e["event"] for e in fleet.log_events("a")})
    proxy.mend()
    fleet.wait(fleet.is_settled, within_s=90)
    assert checks.violations(fleet.evidence(kills=1)) == []
    proxy.close()


def test_a_cable_that_is_pulled_says_nothing_and_is_noticed(
    fleet_of: MakeFleet, server: Server
) -> None:
    far_host.require()
    with far_host.far_host(server) as far:
        fleet = fleet_of(Shape(schedule="slow!", contacts=12, concurrency=3), url=far.url)
        fleet.order()
        fleet.worker("a", lanes=3)
        fleet.wait(lambda: len(fleet.dials()) >= 3)
        far.pull()
        fleet.wait(lambda: "ledger.lost" in {e["event"] for e in fleet.log_events("a")}, 60)
        far.plug()
        fleet.wait(fleet.is_settled, within_s=90)
        fleet.wait(lambda: "ledger.found" in {e["event"] for e in fleet.log_events("a")})
        assert checks.violations(fleet.evidence(kills=1)) == []


def test_a_run_does_not_wait_for_ever_for_a_provider_that_is_down(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(contacts=8, concurrency=2, failure_threshold=2))
    fleet.provider_url = "http://127.0.0.1:9"  # nobody listens there
    ended = fleet.type("office", "run", f"{CAMPAIGN}.csv", "--yes", "--no-live")
    assert ended.status == 4, ended.err
    assert "elevenlabs is down after 5 s of waiting" in ended.out
    assert fleet.dials() == []
    assert _status(fleet)["fleet"]["orders"] == []


def test_nor_does_it_for_ever_for_what_became_of_its_calls(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=2, concurrency=2, failure_threshold=2))
    proxy = Proxy(int(fleet.oracle.url.rsplit(":", 1)[1]))
    fleet.provider_url = f"http://127.0.0.1:{proxy.port}"
    run = fleet.start("office", "run", f"{CAMPAIGN}.csv", "--yes", "--no-live")
    fleet.wait(lambda: len(fleet.dials()) == 2)
    proxy.cut()  # before they are answered
    assert run.wait(60) == 6, fleet.output("office")
    assert "2 calls in doubt: a person must look" in fleet.output("office")
    proxy.mend()
    assert checks.violations(fleet.evidence(kills=1)) == []
    assert fleet.totals()["needs_review"] == 0  # they were found
    proxy.close()


def test_an_outage_is_known_to_all_and_told_once(fleet_of: MakeFleet) -> None:
    fleet = fleet_of(Shape(schedule="slow!", contacts=30, concurrency=4, failure_threshold=2))
    proxy = Proxy(int(fleet.oracle.url.rsplit(":", 1)[1]))
    fleet.provider_url = f"http://127.0.0.1:{proxy.port}"
    fleet.order()
    for name in "abc":
        fleet.worker(name)
    fleet.wait(lambda: len(fleet.dials()) >= 6)
    proxy.cut()
    fleet.wait(lambda: all(_states(fleet, name)[-1:] == ["breaker.opened"] for name in "abc"))
    opened = [_first(fleet, name, "breaker.opened") for name in "abc"]
    assert (max(opened) - min(opened)).total_seconds() < 3  # one, and what a busy machine adds
    proxy.mend()
    fleet.wait(fleet.is_settled, within_s=90)
    fleet.wait(lambda: all(_states(fleet, name)[-1:] == ["breaker.closed"] for name in "abc"))
    told = [
        event
        for name in "abc"
        for event in fleet.log_events(name)
        if event["event"] == "alert.sent" and event["kind"] == "incident_opened"
    ]
    assert len(told) == 1
    trials = [
        event
        for name in "abc"
        for event in fleet.log_events(name)
        if event["event"] == "breaker.half_opened"
    ]
    assert len({event["run_id"] for event in trials}) <= 1
    assert fleet.most_at_once() <= 4  # a call that nobody could be asked about keeps its line
    assert checks.violations(fleet.evidence(kills=1)) == []
    proxy.close()


def _states(fleet: Fleet, name: str) -> list[str]:
    return [
        event["event"]
        for event in fleet.log_events(name)
        if event["event"].startswith("breaker.") and event["service"] == "elevenlabs"
    ]


def _first(fleet: Fleet, name: str, event: str) -> datetime:
    told = (each for each in fleet.log_events(name) if each["event"] == event)
    return datetime.fromisoformat(next(told)["timestamp"])
