"""What keeps a step as quick with a million contacts as with a thousand."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from callagent_cli.domain.contact import Contact
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next
from tests.support.hand_clock import HandClock

CHECKS: dict[str, Callable[[Ledger, HandClock], object]] = {
    "who is next": lambda ledger, clock: ledger.next_due("spring", clock.now()),
    "when the next is due": lambda ledger, clock: ledger.next_due_at("spring", clock.now()),
    "calls to follow": lambda ledger, _: ledger.placed_calls("spring"),
    "attempts in doubt": lambda ledger, _: ledger.in_doubt(),
    "what a dead run left": lambda ledger, _: ledger.recover(),
    "dispositions": lambda ledger, _: ledger.dispositions("spring"),
    "the latest time": lambda ledger, _: ledger.latest_event_at(),
}


@pytest.mark.parametrize("what", CHECKS)
def test_no_step_reads_a_whole_table(
    what: str, ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    seen: list[tuple[str, object]] = []
    connection = ledger._database._connection
    listener = lambda *args: seen.append((args[2], args[3]))  # noqa: E731
    event.listen(connection, "before_cursor_execute", listener)
    begin_next(ledger, clock)
    CHECKS[what](ledger, clock)
    event.remove(connection, "before_cursor_execute", listener)
    raw = connection.connection.driver_connection
    assert raw is not None
    for statement, values in seen:
        if statement.startswith(("SELECT", "UPDATE")):
            plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            searched = [step for step in plan if step != "SCAN runs"]  # a row for each run
            assert not [s for s in searched if s.startswith("SCAN") and "INDEX" not in s], (
                statement
            )
            if what == "who is next":
                assert not [step for step in plan if "TEMP B-TREE" in step], statement


def _best_turn_s(state_dir: Path, n: int, clock: HandClock) -> float:
    """Seconds of the quickest of some `next_due`, in a ledger of n contacts."""
    with Ledger.open(state_dir, clock=clock, enough_bytes=0) as ledger:
        people = (Contact(id=f"c{k}", phone=f"+1202{k:07d}", line=k + 2) for k in range(n))
        ledger.import_contacts("spring", people, source="x")
        times = []
        for _ in range(20):
            began = time.perf_counter()
            assert ledger.next_due("spring", clock.now()) is not None
            times.append(time.perf_counter() - began)
            begin_next(ledger, clock)
        return min(times)


def test_whose_turn_it_is_does_not_take_longer_in_a_larger_ledger(
    tmp_path: Path, clock: HandClock
) -> None:
    small = _best_turn_s(tmp_path / "small", 500, clock)
    large = _best_turn_s(tmp_path / "large", 40_000, clock)
    assert large < 8 * small, "a search of the whole table would be 80 times as long"
