"""The main job as a user has it: the program in a process of its own, a provider on loopback."""

import json
import signal
import subprocess
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.support.site import KEY, Site
from tests.support.voice_provider import VoiceProvider


def test_thirty_contacts_are_thirty_dials_and_thirty_outcomes(tmp_path: Path) -> None:
    with VoiceProvider() as provider:
        site = Site(tmp_path, provider, 30)
        summary = site.run("--concurrency", "4")
        assert (summary["exit_status"], summary["dialled"], provider.dials) == (0, 30, 30)
        assert provider.rung == dict.fromkeys(site.numbers, 1)
        again = site.run()
        assert (again["exit_status"], again["dialled"], provider.dials) == (0, 0, 30)
        report = json.loads(site.call("report", "people", "--json")[1])
    assert len(report["contacts"]) == 30
    assert {contact["disposition"] for contact in report["contacts"]} == {"answered"}
    log = (tmp_path / "logs" / "app.log").read_text()
    assert not any(number in log for number in site.numbers)
    assert KEY not in log


def test_after_three_503_the_fourth_try_places_the_call(tmp_path: Path) -> None:
    with VoiceProvider(lambda n: "503" if n <= 3 else "ok") as provider:
        summary = Site(tmp_path, provider, 1).run()
    assert (summary["exit_status"], summary["dialled"], provider.dials) == (0, 1, 4)


def test_with_503_for_ever_everybody_is_kept_for_the_next_run(tmp_path: Path) -> None:
    with VoiceProvider(lambda _: "503") as provider:
        site = Site(tmp_path, provider, 10)
        summary = site.run()
        assert (summary["exit_status"], summary["dialled"]) == (4, 0)
        assert summary["remaining"] >= 9
        provider.decide = lambda _: "ok"
        summary = site.run()
        assert summary["exit_status"] == 0
        assert provider.rung == dict.fromkeys(site.numbers, 1)


def test_a_refused_key_stops_at_the_first_dial(tmp_path: Path) -> None:
    with VoiceProvider(lambda _: "401") as provider:
        summary = Site(tmp_path, provider, 5).run()
    assert (summary["exit_status"], provider.dials) == (5, 1)
    assert summary["totals"] == {"pending": 5}


def test_a_lost_answer_is_found_and_completed_without_a_second_request(tmp_path: Path) -> None:
    with VoiceProvider(lambda n: "lost" if n == 2 else "ok") as provider:
        site = Site(tmp_path, provider, 4)
        summary = site.run()
        assert summary["exit_status"] == 0
        assert summary["totals"] == {"completed": 4}
        assert provider.rung == dict.fromkeys(site.numbers, 1)


def test_what_cannot_be_found_waits_for_a_person_through_any_number_of_runs(
    tmp_path: Path,
) -> None:
    with VoiceProvider(lambda n: "lost" if n == 1 else "ok", lists=False) as provider:
        site = Site(tmp_path, provider, 3)
        for _ in range(3):
            assert site.run()["exit_status"] == 6
            assert provider.dials == 3
        status, out, _ = site.call("review", "--json")
        assert status == 6
        (doubt,) = json.loads(out)
        status, _, err = site.call("resolve", doubt["attempt_id"], "--called", "--by", "Kim")
        assert status == 0, err
        assert site.run()["exit_status"] == 0
        assert provider.dials == 3


def test_a_provider_that_does_not_answer_has_not_been_looked_up(tmp_path: Path) -> None:
    with VoiceProvider(lambda n: "lost" if n == 1 else "ok") as provider:
        provider.list_status = 500
        site = Site(tmp_path, provider, 3)
        assert site.run()["exit_status"] == 6
        (doubt,) = json.loads(site.call("review", "--json")[1])
        assert (doubt["looked_up"], doubt["last_looked_at"] is None) == (0, False)
        log = (tmp_path / "logs" / "app.log").read_text().splitlines()
        asked = [e for e in map(json.loads, log) if e.get("operation") == "look_up"]
        assert {(e["event"], e["http_status"]) for e in asked} == {("request.failed", 500)}
        provider.list_status = 200
        assert site.run()["exit_status"] == 0
        assert provider.rung == dict.fromkeys(site.numbers, 1)


def test_a_second_run_is_turned_away_at_once(tmp_path: Path) -> None:
    ready, held = threading.Event(), threading.Event()

    def wait(_: int) -> str:
        ready.set()
        held.wait(20)
        return "ok"

    with VoiceProvider(wait) as provider:
        site = Site(tmp_path, provider, 1)
        first = site.start("run", "people.csv")
        assert ready.wait(30)
        status, out, err = site.call("run", "people.csv")
        held.set()
        first.communicate(timeout=30)
    assert (status, out, first.returncode) == (75, "", 0)
    assert "another run holds the ledger" in err


@pytest.mark.parametrize("caught", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_settles_the_request_in_flight_and_the_next_run_goes_on(
    caught: signal.Signals, tmp_path: Path
) -> None:
    ready, held = (threading.Event() for _ in range(2))

    def wait(n: int) -> str:
        if n == 2:
            ready.set()
            held.wait(20)
        return "ok"

    with VoiceProvider(wait) as provider:
        site = Site(tmp_path, provider, 5)
        process = site.start("run", "people.csv")
        assert ready.wait(30)
        process.send_signal(caught)
        held.set()
        out, err = process.communicate(timeout=30)
        assert process.returncode == 128 + caught, err
        assert "goes on where it stopped" in out + err
        assert provider.dials == 2
        assert site.run()["exit_status"] == 0
        assert provider.rung == dict.fromkeys(site.numbers, 1)


def _stuck_in_its_second_dial(site: Site, ready: threading.Event) -> subprocess.Popen[str]:
    process = site.start("run", "people.csv")
    assert ready.wait(30)
    return process


def test_two_signals_at_the_same_moment_are_one(tmp_path: Path) -> None:
    """As `timeout 1h callagent run …` sends them: to the process, and to its group."""
    ready, held = (threading.Event() for _ in range(2))
    with VoiceProvider(partial(_hold, ready, held)) as provider:
        process = _stuck_in_its_second_dial(Site(tmp_path, provider, 5), ready)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        held.set()
        out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "goes on where it stopped" in out + err


def test_a_second_signal_ends_it_now_and_nobody_is_called_twice(tmp_path: Path) -> None:
    ready, held = (threading.Event() for _ in range(2))
    with VoiceProvider(partial(_hold, ready, held)) as provider:
        site = Site(tmp_path, provider, 5)
        process = _stuck_in_its_second_dial(site, ready)
        while process.poll() is None:  # the request in flight is never answered
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
        held.set()
        assert process.returncode == 128 + signal.SIGINT
        site.run()
        assert set(provider.rung.values()) == {1}


def _hold(ready: threading.Event, held: threading.Event, n: int) -> str:
    if n == 2:
        ready.set()
        held.wait(20)
    return "ok"


def test_killed_in_the_middle_of_forty_nobody_is_called_twice(tmp_path: Path) -> None:
    reached = threading.Event()

    def note(n: int) -> str:
        if n == 20:
            reached.set()
        return "ok"

    with VoiceProvider(note) as provider:
        site = Site(tmp_path, provider, 40)
        process = site.start("run", "people.csv", "--concurrency", "3")
        assert reached.wait(30)
        process.kill()
        process.communicate(timeout=30)
        summary = site.run()
        assert sum(summary["totals"].values()) == 40
        assert set(provider.rung.values()) == {1}
        in_doubt = summary["totals"].get("needs_review", 0)
        assert len(provider.rung) == 40 - in_doubt
