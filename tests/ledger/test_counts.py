"""What the ledger keeps counted is what counting would find, whatever was done to it."""

import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.overview import peek_overview
from callagent_cli.ledger.schema import attempts, call_counts, contact_counts, contacts
from callagent_cli.ledger.store import Ledger
from tests.support.many_calls import ledger_of

STATES = ("pending", "completed", "exhausted", "skipped", "failed")


def counted(ledger: Ledger) -> tuple[dict[object, object], dict[object, object]]:
    """As the ledger keeps it."""
    people, calls = contact_counts.c, call_counts.c
    kept = select(people.campaign, people.state, people.contacts).where(people.contacts != 0)
    ended = select(
        calls.campaign, calls.disposition, calls.attempts, calls.priced, calls.cost_usd
    ).where(calls.attempts != 0)
    return _found(ledger, kept), _found(ledger, ended)


def counting(ledger: Ledger) -> tuple[dict[object, object], dict[object, object]]:
    """As it is."""
    people = (contacts.c.campaign, contacts.c.state)
    disposition = func.coalesce(attempts.c.disposition, "")
    sums = (func.count(), func.count(attempts.c.cost_usd), func.total(attempts.c.cost_usd))
    return (
        _found(ledger, select(*people, func.count()).group_by(*people)),
        _found(
            ledger,
            select(attempts.c.campaign, disposition, *sums).group_by(
                attempts.c.campaign, disposition
            ),
        ),
    )


def _found(ledger: Ledger, query: object) -> dict[object, object]:
    with ledger._database.reading() as connection:
        rows = connection.execute(query).all()  # type: ignore[call-overload]  # either
    return {tuple(row[:2]): tuple(row[2:]) for row in rows}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_of(tmp_path / "state", 200)


def test_calls_and_contacts_are_counted(ledger: Ledger) -> None:
    with ledger:
        assert counted(ledger) == counting(ledger)
        assert sum(ledger.totals("spring").values()) == 200
        assert ledger.cost_usd("spring") == pytest.approx(0.0625 * 225)


def test_counts_follow_every_change(ledger: Ledger) -> None:
    dice = random.Random(7)
    with ledger:
        for _ in range(60):
            chosen = (
                select(contacts.c.phone).order_by(contacts.c.position).offset(dice.randrange(150))
            )
            with ledger._database.transaction() as connection:
                phone = connection.execute(chosen.limit(1)).scalar_one()
                mine = contacts.c.phone == phone
                if dice.random() < 0.2:
                    connection.execute(delete(contacts).where(mine))
                else:
                    state = dice.choice(STATES)
                    connection.execute(update(contacts).where(mine).values(state=state))
        ledger.requeue("spring", only_transient=False)
        assert counted(ledger) == counting(ledger)


def test_what_is_rolled_back_is_not_counted(ledger: Ledger) -> None:
    before = counted(ledger)
    with ledger, pytest.raises(LedgerError), ledger._database.transaction() as connection:
        connection.execute(update(contacts).values(state="skipped"))
        connection.exec_driver_sql("no such statement")
    with ledger.look() as again:
        assert counted(again) == before == counting(again)


def test_an_overview_is_what_the_ledger_says(ledger: Ledger, tmp_path: Path) -> None:
    with ledger:
        peeked = peek_overview(tmp_path / "state")
        assert peeked == ledger.overview()
        assert peeked is not None
        [row] = peeked.campaigns
        assert row.totals == ledger.totals("spring") == Counter(row.totals)
        assert row.dispositions == ledger.dispositions("spring")
        assert peeked.latest_at == ledger.latest_event_at()


def test_there_is_no_overview_before_the_first_run(tmp_path: Path) -> None:
    assert peek_overview(tmp_path / "nothing") is None
