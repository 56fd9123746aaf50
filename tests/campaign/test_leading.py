"""Who leads does what a leader does, from its election on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from callagent_cli.campaign.leading import Duties, Leadership
from callagent_cli.domain.errors import LedgerAway
from callagent_cli.domain.event import EventName
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import people
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock


def _duties(
    ledger: Ledger, clock: HandClock, log: EventLog, elected: Callable[[], None]
) -> Duties:
    ledger.import_contacts("spring", people(3), source="spring.csv")
    fleet = ledger.fleet()
    order, _ = fleet.open_order("spring", lanes=1, limits={})
    return Duties(
        Leadership(fleet, "run_1", clock),
        fleet,
        clock=clock,
        over=clock.signal(),
        emit=log,
        order=order,
        on_elected=elected,
        on_settled=lambda: None,
        look_up_delays_s=(0.0,),
    )


def test_an_election_whose_first_step_meets_a_ledger_that_is_away_is_finished_at_the_next_beat(
    tmp_path: Path, database_url: str
) -> None:
    clock = HandClock()
    log, asked = EventLog(clock), list[str]()

    def go_on_duty() -> None:
        asked.append("on duty")
        if len(asked) == 1:
            raise LedgerAway("the server does not answer")

    with Ledger.open(tmp_path, clock=clock, enough_bytes=0, url=database_url) as ledger:
        duties = _duties(ledger, clock, log, go_on_duty)
        with pytest.raises(LedgerAway):
            duties.beat()
        assert ledger.fleet().depths() == []  # nothing else was begun
        duties.beat()
        duties.beat()
        assert len(asked) == 2
        assert [depth.waiting for depth in ledger.fleet().depths()] == [3]
    assert log.names == [EventName.LEADER_ELECTED]  # once
