"""What the metrics file tells, read as Prometheus reads it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import EventName
from callagent_cli.domain.measure import ServiceMeasure, summed
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.ledger.records import RunRow
from callagent_cli.reporting.metrics import CampaignNow, Metrics, metrics_text
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from tests.support.rehearsal import Played, play

_PEOPLE = [Contact(f"c{n}", f"+1202555{n:04d}", f"Contact {n}") for n in range(10)]
_AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
PlayWith = Callable[..., Played]


def read(text: str) -> dict[tuple[str, ...], float]:
    """(name, label values in the labels' order) → value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(**more: object) -> dict[tuple[str, ...], float]:
    nothing: dict[str, object] = {
        "campaigns": (),
        "measures": (),
        "breakers": {},
        "owed": {},
        "dead": {},
    }
    given = {"provider": "elevenlabs", **nothing, **more}
    return read(metrics_text(Metrics(**given)).decode())  # type: ignore[arg-type]  # of each test


def _campaign(**more: object) -> CampaignNow:
    usual: dict[str, object] = {
        "contacts": {"completed": 3},
        "calls": {"answered": 2, "busy": 1},
        "cost_usd": 0.25,
    }
    ended = RunRow("run_1", _AT, _AT, _AT, 4)
    given = {"open_attempts": {"unknown": 1}, "last_run": ended, **usual, **more}
    return CampaignNow("spring", **given)  # type: ignore[arg-type]  # of each test


def test_every_state_has_its_series() -> None:
    found = told(campaigns=[_campaign()])
    assert found["callagent_contacts", "spring", "completed"] == 3
    assert found["callagent_contacts", "spring", "failed"] == 0
    assert found["callagent_calls_total", "spring", "answered"] == 2
    assert found["callagent_calls_total", "spring", "voicemail"] == 0
    assert found["callagent_open_attempts", "spring", "unknown"] == 1
    assert found["callagent_cost_usd_total", "spring"] == 0.25


def test_the_last_run_stands_until_the_next_has_ended() -> None:
    later = _AT.replace(hour=10)
    found = told(campaigns=[_campaign(began_at=later)])
    assert found["callagent_run_active", "spring"] == 1
    assert found["callagent_run_start_timestamp_seconds", "spring"] == later.timestamp()
    assert found["callagent_last_run_end_timestamp_seconds", "spring"] == _AT.timestamp()
    assert found["callagent_last_run_exit_status", "spring"] == 4


def test_a_campaign_whose_runs_were_all_killed_has_no_last_run() -> None:
    found = told(campaigns=[_campaign(last_run=None)])
    assert ("callagent_last_run_exit_status", "spring") not in found
    assert found["callagent_run_active", "spring"] == 0


def test_latencies_are_a_histogram_of_seconds() -> None:
    measures = [
        ServiceMeasure("crm", "find", 4, 1, 1, {"<=5": 3, ">120000": 1}, 130_000.0),
        ServiceMeasure("crm", "report", 2, 0, 0, {"<=20": 2}, 30.0),
    ]
    found = told(measures=measures)
    bucket = "callagent_request_seconds_bucket"
    assert [found[bucket, le, "crm"] for le in ("0.005", "0.01", "0.02", "120", "+Inf")] == [
        3, 3, 5, 5, 6,
    ]  # fmt: skip
    assert found["callagent_request_seconds_count", "crm"] == 6
    assert found["callagent_request_seconds_sum", "crm"] == pytest.approx(130.03)
    assert found["callagent_requests_total", "crm"] == 6
    assert found["callagent_request_failures_total", "crm"] == 1
    assert found["callagent_request_retries_total", "crm"] == 1


def test_a_breaker_is_in_one_state() -> None:
    found = told(breakers={"crm": "open"})
    states = {key[2]: value for key, value in found.items() if key[0] == "callagent_breaker_state"}
    assert states == {"closed": 0, "open": 1, "half_open": 0, "forced_open": 0}


def test_measures_of_several_runs_add_up() -> None:
    one = ServiceMeasure("crm", "find", 4, 1, 1, {"<=5": 3, "<=10": 1}, 12.0)
    two = ServiceMeasure("crm", "find", 1, 0, 0, {"<=10": 1}, 7.5)
    other = ServiceMeasure("crm", "report", 1, 0, 0, {"<=5": 1}, 1.0)
    both = ServiceMeasure("crm", "find", 5, 1, 1, {"<=5": 3, "<=10": 2}, 19.5)
    assert summed([one, other, two]) == [both, other]


@pytest.fixture
def play_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayWith:
    """Play an outage with these settings beside."""
    monkeypatch.chdir(tmp_path)

    def run(
        file: Path, watch: tuple[float, Callable[[RunSnapshot], None]] | None = None
    ) -> Played:
        def with_file(settings: Settings) -> Settings:
            return settings.model_copy(update={"metrics_file": file})

        faults = FaultPlan(parse_faults("elevenlabs:503@30-200"))
        services = frozenset({"crm", "telegram"})
        return play(
            tmp_path, faults, _PEOPLE, services=services, seed=3, watch=watch, adapt=with_file
        )

    return run


def test_a_run_tells_what_its_ledger_holds(tmp_path: Path, play_with: PlayWith) -> None:
    file = tmp_path / "callagent.prom"
    played = play_with(file)
    found, ledger = read(file.read_text()), played.ledger
    for state, n in ledger.totals("fifty").items():
        assert found["callagent_contacts", "fifty", state] == n
    for disposition, n in ledger.dispositions("fifty").items():
        assert found["callagent_calls_total", "fifty", disposition] == n
    measured = ledger.service_measures("fifty")
    for service in ("elevenlabs", "crm"):
        n = sum(row.requests for row in measured if row.service == service)
        assert found["callagent_requests_total", service] == n > 0
    assert found["callagent_last_run_exit_status", "fifty"] == played.summary.exit_status
    assert found["callagent_run_active", "fifty"] == 0
    assert file.stat().st_mode & 0o777 == 0o644
    assert "+1202" not in file.read_text()
    played.close()


def test_a_run_tells_during_its_course(tmp_path: Path, play_with: PlayWith) -> None:
    file, seen = tmp_path / "callagent.prom", list[str]()
    play_with(file, (5.0, lambda _: seen.append(file.read_text()))).close()
    found = read(seen[0])
    assert found["callagent_run_active", "fifty"] == 1
    assert ("callagent_last_run_exit_status", "fifty") not in found


def test_a_file_that_cannot_be_written_is_told_once_and_ends_nothing(
    tmp_path: Path, play_with: PlayWith
) -> None:
    played = play_with(tmp_path / "nowhere" / "callagent.prom")
    (failed,) = [e for e in played.events if e.name is EventName.METRICS_FAILED]
    assert "nowhere/callagent.prom: No such file" in str(failed.fields["error"])
    assert str(failed.fields["error"]) in played.summary.notes
    assert played.summary.dialled == len(_PEOPLE)
    played.close()
