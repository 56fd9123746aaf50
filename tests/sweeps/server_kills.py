"""A run on a shared ledger, killed just before or after the nth statement that it sends.

    python -m tests.sweeps.server_kills --points 200 --seed 1

Each point is a campaign of its own, killed up to three times, run to its end and checked by the
oracle of the kill sweeps. Exits 1 when a promise was broken. Needs PostgreSQL.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import checks
from tests.support import postgres
from tests.support.fleet import Fleet
from tests.sweeps.stage import CAMPAIGN, Oracle, Shape

_ROOT = Path(__file__).resolve().parents[2]
_WORDS = ("run", f"{CAMPAIGN}.csv", "--yes", "--json", "--no-live")
_MOST_KILLS = 3


@dataclass(frozen=True, slots=True)
class Point:
    seed: int
    schedule: str
    kills: int  # that really killed
    wrong: tuple[str, ...]


def try_point(seed: int, schedule: str, most: int, folder: Path, server: postgres.Server) -> Point:
    """most: steps of a run that nobody kills."""
    rng = random.Random(seed)
    _empty(server)
    shape = Shape(schedule, seed, contacts=6, concurrency=rng.choice((1, 3)))
    fleet, kills = Fleet(folder, server, Oracle(), shape), 0
    try:
        for _ in range(rng.randint(1, _MOST_KILLS)):
            if _steps_of(fleet, last=rng.randint(1, most)) is not None:
                break  # it ended before its hour had come
            kills += 1
        for _ in range(2):  # as cron does
            fleet.type("office", *_WORDS)
        return Point(seed, schedule, kills, tuple(checks.violations(fleet.evidence(kills=kills))))
    finally:
        fleet.end()


def count_steps(folder: Path, server: postgres.Server) -> int:
    """Of a run that nobody kills."""
    _empty(server)
    fleet = Fleet(folder, server, Oracle(), Shape("ok", contacts=6))
    try:
        return _steps_of(fleet, last=0) or 0
    finally:
        fleet.end()


def _empty(server: postgres.Server) -> None:
    server.execute("DROP SCHEMA IF EXISTS callagent CASCADE")


def _steps_of(fleet: Fleet, last: int) -> int | None:
    """Run the campaign, to be killed at its `last` step. Returns the steps it took, None when it
    was killed."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_on_server", str(last), *_WORDS],
        cwd=fleet.host("office"),
        env={**fleet.environ(), "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == -signal.SIGKILL:
        return None
    return int(ended.stderr.rpartition("steps ")[2])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sweeps.server_kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--schedules", default="ok,mix,reset,500")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    schedules, kills, wrong = given.schedules.split(","), 0, 0
    with postgres.server() as server:
        with tempfile.TemporaryDirectory() as place:
            most = count_steps(Path(place), server)
        print(f"{most} steps to be killed at", flush=True)
        for n in range(given.points):
            folder = Path(tempfile.mkdtemp(prefix="callagent-point-"))
            schedule = schedules[n % len(schedules)]
            point = try_point(given.seed + n, schedule, most, folder, server)
            kills += point.kills
            wrong += bool(point.wrong)
            for what in point.wrong:
                print(f"seed {point.seed}, {point.schedule}: {what}; kept {folder}", flush=True)
            if not point.wrong:
                shutil.rmtree(folder)
    print(f"{given.points} campaigns, {kills} kills, {wrong} with a promise broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
