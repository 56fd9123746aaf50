"""Run the sweeps from a shell; see `--help`. Exits 1 when a promise was broken."""

import argparse
import functools
import itertools
import os
import random
import sys
import time
from collections.abc import Sequence

from tests.sweeps.plan import SHARES, Journeys, draw, observe
from tests.sweeps.points import Point, Verdict, try_point
from tests.sweeps.pool import Pool, workers
from tests.sweeps.product import nothing
from tests.sweeps.stage import Shape
from tests.sweeps.tally import Tally

_SCHEDULES = "ok,reset,500,cut,html,null"


def main() -> int:
    options = _options()
    print(
        f"seed {options.seed}, {options.points} points, provider: {options.schedules}", flush=True
    )
    began = time.monotonic()
    with workers(options.jobs) as pool:
        journeys = _observe(pool, options.schedules.split(","))
        tally = sweep(pool, journeys, options.seed, options.points, _shares(options.kinds))
    print(tally.table())
    print(f"{time.monotonic() - began:.0f} s, seed {options.seed}, load {os.getloadavg()[0]:.1f}")
    for verdict in tally.wrong[:20]:
        print(describe(verdict))
    return 1 if tally.wrong else 0


def sweep(
    pool: Pool, journeys: Sequence[Journeys], seed: int, points: int, shares: dict[str, int]
) -> Tally:
    """Try points until `points` of them have killed a run."""
    tally = Tally()
    jobs = (functools.partial(_try, point) for point in draw(seed, journeys, shares))
    for verdict in pool.each(itertools.islice(jobs, points * 3)):
        tally.add(verdict)
        if verdict.violations:
            print(describe(verdict), flush=True)
        if tally.total.killed >= points:
            break
    return tally


def _try(point: Point, folder: object, oracle: object, key: str) -> Verdict:
    return try_point(point, folder, oracle, key, nothing)  # type: ignore[arg-type]


def _observe(pool: Pool, schedules: Sequence[str]) -> list[Journeys]:
    shapes = [
        Shape(schedule, seed=number, concurrency=concurrency)
        for number, schedule in enumerate(schedules)
        for concurrency in (1, 3)
    ]
    seen = pool.each(functools.partial(observe, shape) for shape in shapes)
    return sorted(seen, key=lambda journeys: shapes.index(journeys.shape))


def describe(verdict: Verdict) -> str:
    point = verdict.point
    lines = [f"VIOLATION {point.kind} {point.shape} {point.kills} in {verdict.kept}"]
    return "\n".join([*lines, *(f"    {what}" for what in verdict.violations)])


def _shares(kinds: str) -> dict[str, int]:
    return {kind: SHARES[kind] for kind in kinds.split(",")}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sweeps", description=__doc__)
    parser.add_argument("--points", type=int, default=300, help="runs that must die (300)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--schedules", default=_SCHEDULES, help=f"provider's faults ({_SCHEDULES})"
    )
    parser.add_argument("--kinds", default=",".join(SHARES), help=",".join(SHARES))
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
