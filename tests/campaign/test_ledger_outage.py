"""Who tells a person that the ledger's server is away, and when."""

import pytest

from callagent_cli.campaign.ledger_outage import (
    TOLD_AFTER_S,
    TOLD_BY_OTHERS_AFTER_S,
    LedgerOutage,
)
from callagent_cli.domain.event import EventName
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock

AWAY = "the ledger's server does not answer"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def log(clock: HandClock) -> EventLog:
    return EventLog(clock)


@pytest.mark.parametrize(("leads", "after_s"), [(True, TOLD_AFTER_S), (False, 600.0)])
def test_who_led_tells_first_and_the_others_only_when_it_lasts(
    clock: HandClock, log: EventLog, *, leads: bool, after_s: float
) -> None:
    outage = LedgerOutage(clock, log)
    outage.found(leads=leads)
    outage.lost(AWAY)
    clock.advance(after_s - 1)
    outage.missed()
    assert log.names == ["ledger.lost"]
    clock.advance(1)
    outage.missed()
    outage.missed()
    assert log.names == ["ledger.lost", "ledger.missed"]
    told = log.of(EventName.LEDGER_MISSED)[0]
    assert told == {"error": AWAY, "elapsed_ms": 1000 * after_s}


def test_a_restart_is_no_news(clock: HandClock, log: EventLog) -> None:
    outage = LedgerOutage(clock, log)
    outage.found(leads=True)
    for _ in range(2):
        outage.lost(AWAY)
        outage.lost("and again")
        clock.advance(TOLD_AFTER_S - 1)
        outage.missed()
        outage.found(leads=True)
        outage.found(leads=True)
    assert log.names == ["ledger.lost", "ledger.found"] * 2
    assert log.of(EventName.LEDGER_FOUND)[0] == {"elapsed_ms": 29000}


def test_who_does_not_lead_any_more_is_one_of_the_others(clock: HandClock, log: EventLog) -> None:
    outage = LedgerOutage(clock, log)
    outage.found(leads=True)
    outage.found(leads=False)
    outage.lost(AWAY)
    clock.advance(TOLD_BY_OTHERS_AFTER_S - 1)
    outage.missed()
    assert log.names == ["ledger.lost"]
