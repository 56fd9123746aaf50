"""A ledger on a real disk, and the same one on a real server, with a clock that the test moves.

A test that asks for the `state_dir` looks at the files; every other one runs on both.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from callagent_cli.domain.call import Claim, Ticket
from callagent_cli.domain.contact import Contact
from callagent_cli.ledger.store import Ledger
from tests.support.hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = inspect.signature(metafunc.function).parameters
    if "ledger" in wanted and "state_dir" not in wanted:
        metafunc.parametrize("ledger", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def ledger(state_dir: Path, clock: HandClock, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    is_shared = getattr(request, "param", "sqlite") == "postgresql"
    url = request.getfixturevalue("database_url") if is_shared else None
    with Ledger.open(state_dir, clock=clock, enough_bytes=0, url=url) as opened:
        opened.import_contacts("spring", people(3), source="spring.csv")
        yield opened


def people(n: int, *, name: str = "Ann") -> list[Contact]:
    return [Contact(id=f"c{k}", phone=f"+1202555010{k}", name=name, line=k + 2) for k in range(n)]


def claim_next(ledger: Ledger, clock: HandClock, campaign: str = "spring") -> Claim:
    candidate = ledger.next_due(campaign, clock.now())
    assert candidate is not None
    claim = ledger.claim(campaign, candidate, "run_1")
    assert claim is not None
    return claim


def begin_next(ledger: Ledger, clock: HandClock, campaign: str = "spring") -> Ticket:
    return ledger.begin(claim_next(ledger, clock, campaign), {"zone": "x"}, run_id="run_1")
