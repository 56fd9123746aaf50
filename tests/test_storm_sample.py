"""Small storms over a fleet in every test run; `python -m tests.sweeps.storm` and `python -m
tests.sweeps.server_kills` for whole ones."""

import os
import random
from pathlib import Path

import pytest

from tests.oracle import checks
from tests.oracle.at_once import busiest
from tests.oracle.evidence import Evidence, Row, Snapshot
from tests.oracle.world import NOT_TOLD
from tests.support.postgres import Server
from tests.sweeps import server_kills
from tests.sweeps.storm import Weather, blow

_SEED = int(os.environ.get("CALLAGENT_SWEEP_SEED") or random.SystemRandom().randrange(10**6))


@pytest.mark.timeout(600)
def test_killed_suspended_and_cut_off_a_fleet_calls_everybody_once(
    tmp_path: Path, server: Server, database_url: str
) -> None:
    del database_url  # emptied
    print(f"seed {_SEED}")
    storm = blow(Weather(60, 3, 8, _SEED, every_s=4.0, restarts=1), tmp_path, server)
    print(storm)
    assert storm.wrong == [], f"seed {_SEED}"
    assert storm.kills
    assert storm.restarts == storm.freezes == storm.queues == storm.outages == 1


@pytest.mark.timeout(600)
def test_killed_at_any_statement_a_run_on_a_server_calls_everybody_once(
    tmp_path: Path, server: Server, database_url: str
) -> None:
    del database_url  # emptied, and again before each point
    print(f"seed {_SEED}")
    most = server_kills.count_steps(_new(tmp_path / "count"), server)
    points = [
        server_kills.try_point(_SEED + n, schedule, most, _new(tmp_path / f"point-{n}"), server)
        for n, schedule in enumerate(("ok", "mix", "reset"))
    ]
    assert [point.wrong for point in points] == [(), (), ()], f"seed {_SEED}"
    assert sum(point.kills for point in points)


def test_the_oracle_would_notice_one_call_too_many() -> None:
    """A call is over when its end has been read, and not before; who reads it again is late."""
    log = [
        _dial("a", 1.0),
        _read("a", 2.0, is_ended=False),
        _read("a", 4.0, is_ended=True),
        _dial("b", 5.0),
        _read("a", 6.0, is_ended=True),  # by the heir of a worker that died after the first
        _read("b", 7.0, is_ended=False),
    ]
    assert [span.attempt_id for span in busiest(log)] == ["ca_a"]
    early = _dial("c", 3.0)
    assert {span.attempt_id for span in busiest([*log, early])} == {"ca_a"}  # nobody found it
    both = busiest([*log, early, _read("c", 4.5, is_ended=True)])
    assert {span.attempt_id for span in both} == {"ca_a", "ca_c"}
    assert str(both[0]) == "ca_a (conv_a) from 1.000 for 3.000 s"


@pytest.mark.parametrize(("arrived_s", "is_excused"), [(4.9, False), (6.0, True), (9.1, False)])
def test_only_a_ledger_that_was_away_excuses_a_dial_that_was_not_looked_up_in_it(
    arrived_s: float, *, is_excused: bool
) -> None:
    dial = {
        **_dial("a", arrived_s),
        "phone": "+12025550110",
        "user_id": "ca_a",
        "mode": "slow",
        "rang": True,
        "clear_no": False,
        "ledger_state": NOT_TOLD,
        "in_journal": None,
    }
    row = {"attempt_id": "ca_a", "phone": dial["phone"], "state": "completed", "disposition": None}
    evidence = Evidence(
        wanted=(), log=(dial,), snapshots=(Snapshot((row,)),), statuses=(0,), blinks=((5.0, 7.0),)
    )
    told = [what for what in checks.violations(evidence) if what.startswith("I3")]
    assert told == ([] if is_excused else [f"I3: ca_a arrived while its attempt was {NOT_TOLD}"])


def _dial(name: str, mono: float) -> Row:
    about = {"conversation_id": f"conv_{name}", "attempt_id": f"ca_{name}"}
    return {"kind": "dial", "mono": mono, **about}


def _read(name: str, mono: float, *, is_ended: bool) -> Row:
    about = {"conversation_id": f"conv_{name}", "is_ended": is_ended}
    return {"kind": "read", "mono": mono, **about}


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
