"""Breakers that a person holds open are in the ledger, for every run to see."""

from pathlib import Path

from callagent_cli.domain.hold import Hold
from callagent_cli.ledger.overview import peek_overview
from callagent_cli.ledger.store import Ledger
from tests.support.hand_clock import HandClock


def _hold(clock: HandClock, service: str, reason: str = "migration") -> Hold:
    return Hold(service, reason, "Kim", clock.now())


def test_a_hold_stands_until_it_is_lifted(ledger: Ledger, clock: HandClock) -> None:
    crm, llm = _hold(clock, "crm"), _hold(clock, "llm")
    ledger.hold_open(llm)
    ledger.hold_open(crm)
    assert ledger.holds() == [crm, llm]
    assert ledger.lift_hold("crm") == crm
    assert ledger.lift_hold("crm") is None
    assert ledger.holds() == [llm]


def test_the_latest_reason_stands(ledger: Ledger, clock: HandClock) -> None:
    ledger.hold_open(_hold(clock, "crm"))
    again = _hold(clock, "crm", "it takes longer")
    ledger.hold_open(again)
    assert ledger.holds() == [again]


def test_another_process_sees_it(ledger: Ledger, state_dir: Path, clock: HandClock) -> None:
    hold = _hold(clock, "crm")
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as other:
        other.hold_open(hold)
    assert ledger.holds() == [hold]
    seen = peek_overview(state_dir)
    assert seen is not None
    assert seen.holds == (hold,)


def test_it_is_told_in_one_line(clock: HandClock) -> None:
    said = str(_hold(clock, "crm"))
    assert said == f"held open by Kim since {clock.now():%Y-%m-%d %H:%M} UTC: migration"
