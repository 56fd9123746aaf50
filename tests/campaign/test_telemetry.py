"""A run's measures go to the ledger at its heartbeats and its end."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from callagent_cli.campaign.telemetry import Telemetry
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.event import Event, EventName, Level
from callagent_cli.domain.measure import BreakerChange, ServiceMeasure
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.ledger.store import Ledger
from callagent_cli.reporting.report import read_report
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.rehearsal import Played, play

_PEOPLE = [Contact(f"c{n}", f"+1202555{n:04d}", f"Contact {n}") for n in range(10)]


@pytest.fixture
def play_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Played]:
    monkeypatch.chdir(tmp_path)

    def run(watch: tuple[float, Callable[[RunSnapshot], None]] | None = None) -> Played:
        faults = FaultPlan(parse_faults("elevenlabs:503@30-200"))
        return play(tmp_path, faults, _PEOPLE, services=frozenset(), seed=3, watch=watch)

    return run


def test_a_run_leaves_what_it_measured(play_outage: Callable[..., Played]) -> None:
    played = play_outage()
    rows = {row.operation: row for row in played.ledger.service_measures("fifty")}
    failed = [event for event in played.events if event.name is EventName.REQUEST_FAILED]
    dialled = len(played.dials_at_s)
    assert sum(row.failures for row in rows.values()) == len(failed) > 0
    assert rows["dial"].requests == dialled
    assert all(sum(row.latency_ms.values()) == row.requests for row in rows.values())
    played.close()


def test_the_report_tells_what_the_run_measured(play_outage: Callable[..., Played]) -> None:
    played = play_outage()
    figures = read_report(played.ledger, "fifty", show_pii=False).figures
    measured = played.ledger.service_measures("fifty")
    (voice,) = figures.services
    assert voice.requests == sum(row.requests for row in measured)
    assert figures.retries == {"elevenlabs": voice.retries}
    assert sum(each.requests for each in figures.latency) == voice.requests
    spans = figures.breakers
    assert [span.state for span in spans] == ["closed", "open", "closed"]
    (opened,) = (e for e in played.events if e.name is EventName.BREAKER_OPENED)
    assert spans[1].begins_at == opened.at
    played.close()


def test_a_run_that_is_killed_loses_little(
    tmp_path: Path, play_outage: Callable[..., Played]
) -> None:
    seen: list[Sequence[ServiceMeasure]] = []

    def look(_: RunSnapshot) -> None:
        with Ledger.open_readonly(tmp_path / "state", clock=HandClock()) as ledger:
            seen.append(ledger.service_measures("fifty"))

    play_outage((61.0, look)).close()
    assert sum(row.failures for row in seen[0]) > 0


class _Deaf:
    """A ledger that fails so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.kept: list[tuple[Sequence[ServiceMeasure], Sequence[BreakerChange]]] = []

    def keep_measures(
        self,
        campaign: str,
        run_id: str,
        measures: Sequence[ServiceMeasure],
        changes: Sequence[BreakerChange],
    ) -> None:
        if self.failures:
            self.failures -= 1
            raise LedgerError("disk full")
        self.kept.append((measures, changes))


class _Guard:
    service, state = "crm", "closed"

    def measures(self) -> list[ServiceMeasure]:
        return [ServiceMeasure("crm", "find", 1, 0, 0, {"<=5": 1}, 2.0)]


def test_what_could_not_be_kept_is_kept_with_the_next() -> None:
    clock, guard, ledger = HandClock(), _Guard(), _Deaf(failures=1)
    log = EventLog(clock)
    telemetry = Telemetry("spring", "run_1", guards=[guard], ledger=ledger, clock=clock, emit=log)
    opened = {"service": "crm", "breaker_state": "open", "error": "HTTP 503"}
    telemetry(Event(EventName.BREAKER_OPENED, clock.now(), Level.ERROR, opened))
    for _ in range(3):
        telemetry.keep()
    change = BreakerChange("run_1", "crm", clock.now(), "open", "HTTP 503")
    kept = (guard.measures(), (change,))
    assert ledger.kept == [kept], "once, as nothing was new the third time"
