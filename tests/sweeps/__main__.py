"""Run the proof from a shell; see `--help`. Exits 1 when a promise was broken."""

import argparse
import os
import random
import sys
import time
from pathlib import Path

from tests.sweeps import parts, report
from tests.sweeps.damage import PLACES
from tests.sweeps.plan import SHARES
from tests.sweeps.pool import workers

_SCHEDULES = "ok,reset,500,cut,html,null"


def main() -> int:
    options = _options()
    print(f"seed {options.seed}", flush=True)
    sections = []
    with workers(options.jobs) as pool:
        for name in options.parts.split(","):
            began = time.monotonic()
            section = parts.PARTS[name](pool, options)
            sections.append(
                report.stamp(section, seed=options.seed, seconds=time.monotonic() - began)
            )
            print(f"\n{name}\n\n{sections[-1].text}", flush=True)
    if options.write_report:
        report.write(options.write_report, sections)
    return 0 if all(section.is_kept for section in sections) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sweeps", description=__doc__)
    parser.add_argument("--parts", default="kills", help=",".join(parts.PARTS))
    parser.add_argument("--points", type=int, default=300, help="runs that must die (300)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--schedules", default=_SCHEDULES, help=f"faults ({_SCHEDULES})")
    parser.add_argument("--kinds", default=",".join(SHARES), help=",".join(SHARES))
    parser.add_argument("--rounds", type=int, default=100, help="of twenty processes (100)")
    parser.add_argument(
        "--places",
        type=int,
        default=PLACES,
        choices=range(1, PLACES + 1),
        metavar="N",
        help=f"of a ledger that are damaged ({PLACES})",
    )
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--write-report", type=Path, metavar="PAGE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
