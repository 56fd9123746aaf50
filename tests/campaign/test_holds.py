"""A run heeds what a person holds open, from its beginning to its end."""

from dataclasses import dataclass, field

from callagent_cli.campaign.holds import HoldWatch
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.hold import Hold
from tests.support.hand_clock import HandClock


@dataclass
class Door:
    service: str
    said: list[str] = field(default_factory=list)

    def hold_open(self, said: str) -> None:
        self.said.append(said)

    def let_go(self) -> None:
        self.said.append("")


def test_each_breaker_is_held_or_let_go_once_a_second() -> None:
    clock, crm, llm = HandClock(), Door("crm"), Door("llm")
    held, over = [Hold("crm", "migration", "Kim", clock.now())], clock.signal()
    told = str(held[0])
    watch = HoldWatch([crm, llm], lambda: held, over=over, every_s=1.0)
    clock.at(1.5, held.clear)
    clock.at(2.5, over.set)
    watch.run()
    assert crm.said == [told, ""]
    assert llm.said == ["", ""]


def test_a_ledger_that_cannot_be_asked_changes_nothing() -> None:
    def broken() -> list[Hold]:
        raise LedgerError("busy")

    door = Door("crm")
    HoldWatch([door], broken, over=HandClock().signal(), every_s=1.0).heed()
    assert door.said == []


def test_where_time_jumps_only_the_beginning_is_looked_at() -> None:
    door = Door("crm")
    HoldWatch([door], list, over=HandClock().signal(), every_s=None).run()
    assert door.said == []
