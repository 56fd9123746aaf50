"""What a run leaves for those who were not there: last_run.json, the heartbeat, the metrics."""

import json
import re
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.ping_server import SECRET, PingServer
from tests.support.site import Site
from tests.support.voice_provider import VoiceProvider

PAGE = Path(__file__).parents[2] / "docs/watching-a-campaign.md"


@pytest.fixture
def switch() -> Iterator[PingServer]:
    with PingServer() as server:
        yield server


def site_of(
    folder: Path, provider: VoiceProvider, contacts: int, url: str, more: str = ""
) -> Site:
    return Site(folder, provider, contacts, more=f"alerts: {{heartbeat_url: '{url}'}}\n{more}")


def left_by(site: Site) -> dict[str, Any]:
    text = (site.folder / "state" / "last_run.json").read_text()
    assert not any(number in text for number in site.numbers)
    assert SECRET not in text
    told: dict[str, Any] = json.loads(text)
    return told


def seconds(told: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(told[key]) for key in ("started_at", "ended_at"))
    return (ended - began).total_seconds()


def test_a_run_that_ends_well_says_so_everywhere(tmp_path: Path, switch: PingServer) -> None:
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 3, switch.url, "metrics_file: callagent.prom\n")
        summary = site.run()
    told = left_by(site)
    assert switch.told == ["start", ""]
    assert (told["exit_status"], told["as_planned"], told["meaning"][:4]) == (0, True, "done")
    shared = told.keys() & summary.keys()
    assert {key: told[key] for key in shared} == {key: summary[key] for key in shared}
    assert {"run_id", "campaign", "totals", "owed", "in_doubt", "dialled"} <= shared
    assert 0 <= seconds(told) < 60
    assert "callagent_last_run_exit_status" in (tmp_path / "callagent.prom").read_text()
    assert list((tmp_path / "state").glob(".*")) == []


def test_the_url_is_shown_nowhere(tmp_path: Path, switch: PingServer) -> None:
    switch.status = 500
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 1, switch.url)
        status, out, err = site.call("run", "people.csv")
        shown = site.call("config", "show")[1]
    assert (status, switch.told[0], switch.told[-1]) == (0, "start", "")
    assert err.endswith("warning: alerts.heartbeat_url could not be told: 500 from heartbeat\n")
    log = (tmp_path / "logs" / "app.log").read_text()
    assert '"service": "heartbeat"' in log
    assert SECRET not in out + err + shown + log


def test_nobody_behind_the_url_changes_no_status(tmp_path: Path) -> None:
    with PingServer() as gone:
        url = gone.url
    with VoiceProvider() as provider:
        status, _, err = site_of(tmp_path, provider, 1, url).call("run", "people.csv")
    assert status == 0
    assert "heartbeat cannot be reached" in err


@pytest.mark.parametrize(("answer", "status"), [("401", 5), ("503", 4)])
def test_what_keeps_a_run_from_its_work_is_a_failure(
    answer: str, status: int, tmp_path: Path, switch: PingServer
) -> None:
    with VoiceProvider(lambda _: answer) as provider:
        site = site_of(tmp_path, provider, 2, switch.url)
        assert site.call("run", "people.csv")[0] == status
    assert switch.told == ["start", str(status)]
    told = left_by(site)
    assert (told["exit_status"], told["as_planned"]) == (status, False)


def test_a_limit_that_is_reached_is_as_planned(tmp_path: Path, switch: PingServer) -> None:
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 3, switch.url)
        assert site.call("run", "people.csv", "--limit", "1")[0] == 4
    assert switch.told == ["start", ""]
    assert left_by(site)["as_planned"]


def test_a_refused_run_leaves_its_reason(tmp_path: Path, switch: PingServer) -> None:
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 1, switch.url)
        assert site.call("run", "gone.csv")[0] == 2
    told = left_by(site)
    assert switch.told == ["2"]
    assert (told["campaign"], told["exit_status"], told["totals"]) == ("gone", 2, None)
    assert told["reason"] == "gone.csv does not exist"


def test_a_run_that_ends_by_an_error_is_over_for_the_metrics_too(
    tmp_path: Path, switch: PingServer
) -> None:
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 1, switch.url, "metrics_file: callagent.prom\n")
        assert site.call("run", "people.csv", "--contact", "nobody")[0] == 2
    metrics = (tmp_path / "callagent.prom").read_text()
    assert 'callagent_run_active{campaign="people"} 0.0' in metrics
    assert 'callagent_last_run_exit_status{campaign="people"} 2.0' in metrics
    assert switch.told == ["start", "2"]
    assert left_by(site)["exit_status"] == 2


def test_a_run_that_finds_the_ledger_held_leaves_the_switch_to_the_other(
    tmp_path: Path, switch: PingServer
) -> None:
    ready, held = (threading.Event() for _ in range(2))

    def wait(_: int) -> str:
        ready.set()
        held.wait(20)
        return "ok"

    with VoiceProvider(wait) as provider:
        site = site_of(tmp_path, provider, 1, switch.url)
        first = site.start("run", "people.csv")
        assert ready.wait(30)
        assert site.call("run", "people.csv")[0] == 75
        assert left_by(site)["exit_status"] == 75
        assert switch.told == ["start"]
        held.set()
        first.communicate(timeout=30)
    assert left_by(site)["exit_status"] == 0
    assert switch.told == ["start", ""]


@pytest.mark.parametrize("caught", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_contacts_are_read_is_recorded(
    caught: signal.Signals, tmp_path: Path, switch: PingServer
) -> None:
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 1, switch.url)
        rows = "".join(f"c{n},+1202555{n % 10_000:04d},Name {n}\n" for n in range(400_000))
        (tmp_path / "people.csv").write_text(f"id,phone,name\n{rows}")
        process = site.start("run", "people.csv")
        assert switch.has_heard.wait(30)
        process.send_signal(caught)
        process.communicate(timeout=30)
    assert process.returncode == 128 + caught
    assert provider.dials == 0
    told = left_by(site)
    assert (told["exit_status"], told["campaign"]) == (128 + caught, "people")
    assert switch.told == ["start", str(128 + caught)]


def test_a_signal_during_the_calls_is_recorded(tmp_path: Path, switch: PingServer) -> None:
    ready, held = (threading.Event() for _ in range(2))

    def wait(_: int) -> str:
        ready.set()
        held.wait(20)
        return "ok"

    with VoiceProvider(wait) as provider:
        site = site_of(tmp_path, provider, 3, switch.url)
        process = site.start("run", "people.csv")
        assert ready.wait(30)
        process.send_signal(signal.SIGTERM)
        held.set()
        process.communicate(timeout=30)
    told = left_by(site)
    assert (process.returncode, told["exit_status"], told["dialled"]) == (143, 143, 1)
    assert switch.told == ["start", "143"]


def test_a_state_dir_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    with VoiceProvider() as provider:
        site = Site(tmp_path, provider, 1)
        (tmp_path / "state").write_text("a file, where the folder should be")
        status, _, err = site.call("run", "people.csv")
    assert status == 2
    assert "last_run.json cannot be written" in err


def test_a_slip_of_the_finger_makes_no_folder(tmp_path: Path) -> None:
    with VoiceProvider() as provider:
        site = Site(tmp_path, provider, 1)
        (tmp_path / "config.yml").unlink()
        assert site.call("run", "gone.csv")[0] == 2
        assert site.call("plan", "people.csv")[0] == 0
    assert not list(tmp_path.rglob("last_run.json"))


def test_the_sandbox_tells_nobody(tmp_path: Path, switch: PingServer) -> None:
    with VoiceProvider() as provider:
        site = site_of(tmp_path, provider, 1, switch.url)
        config = (tmp_path / "config.yml").read_text()
        sandbox = config.replace("provider: elevenlabs", "provider: sandbox")
        (tmp_path / "config.yml").write_text(f"{sandbox}\nsandbox: {{speed: 1000000}}\n")
        assert site.call("run", "people.csv")[0] == 0
        assert site.call("simulate", "--contacts", "3")[0] == 0
    assert switch.told == []
    assert left_by(site)["provider"] == "sandbox"


def test_the_page_names_every_key_and_every_metric(tmp_path: Path) -> None:
    with VoiceProvider() as provider:
        site = Site(tmp_path, provider, 1, more="metrics_file: callagent.prom\n")
        site.run()
    page = PAGE.read_text()
    text = (tmp_path / "callagent.prom").read_text()
    families = text_string_to_metric_families(text)
    told = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    assert set(re.findall(r"^\| `(callagent_\w+)` \|", page, re.MULTILINE)) == told
    assert [key for key in left_by(site) if f"`{key}`" not in page] == []
