"""Small storms over a fleet in every test run; `python -m tests.sweeps.storm` and `python -m
tests.sweeps.server_kills` for whole ones."""

import os
import random
from pathlib import Path

import pytest

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


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
