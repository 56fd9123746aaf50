"""Every check that there is, in the order in which people read them."""

from callagent_cli.checkup import (
    clock,
    config,
    contacts,
    hours,
    ledger,
    lists,
    machine,
    services,
    voice,
)
from callagent_cli.checkup.case import Case
from callagent_cli.checkup.note import Check


def checks(case: Case, *, sends_test: bool = False) -> list[Check]:
    return [
        Check(config.ROOM, lambda: config.look(case)),
        *voice.checks(case),
        Check(contacts.ROOM, lambda: contacts.look(case)),
        Check(hours.ROOM, lambda: hours.look(case)),
        Check(lists.ROOM, lambda: lists.look(case)),
        Check(clock.ROOM, lambda: clock.look(case)),
        Check(machine.ROOM, lambda: machine.look(case)),
        Check(ledger.ROOM, lambda: ledger.look(case)),
        *services.checks(case, sends_test=sends_test),
    ]
