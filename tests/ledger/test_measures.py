"""What a run measures is kept, and is never in the way of a call."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.measure import BreakerChange, ServiceMeasure
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next
from tests.support.hand_clock import HandClock


def _measure(requests: int, operation: str = "dial") -> ServiceMeasure:
    return ServiceMeasure("elevenlabs", operation, requests, 1, 0, {"<=50": requests}, 12.5)


def _change(clock: HandClock, state: str) -> BreakerChange:
    return BreakerChange("run_1", "elevenlabs", clock.now(), state, "HTTP 503")


def test_the_latest_measures_of_a_run_stand_and_changes_add_up(
    ledger: Ledger, clock: HandClock
) -> None:
    opened = _change(clock, "open")
    ledger.keep_measures("spring", "run_1", [_measure(1)], [opened])
    clock.advance(60)
    closed = _change(clock, "closed")
    ledger.keep_measures("spring", "run_1", [_measure(7), _measure(2, "read")], [closed])
    assert ledger.service_measures("spring") == [_measure(7), _measure(2, "read")]
    assert ledger.breaker_changes("spring") == [opened, closed]
    assert ledger.service_measures("autumn") == []
    assert ledger.breaker_changes("autumn") == []


def test_every_run_has_its_own(ledger: Ledger) -> None:
    for run_id in ("run_1", "run_2"):
        ledger.keep_measures("spring", run_id, [_measure(1)], [])
    assert len(ledger.service_measures("spring")) == 2


def test_measures_that_cannot_be_kept_stop_no_call(
    ledger: Ledger, state_dir: Path, clock: HandClock
) -> None:
    with closing(sqlite3.connect(state_dir / "ledger.db")) as raw:
        raw.execute("DROP TABLE service_measures")
        raw.commit()
    with pytest.raises(LedgerError, match="service_measures"):
        ledger.keep_measures("spring", "run_1", [_measure(1)], [])
    assert begin_next(ledger, clock).phone
