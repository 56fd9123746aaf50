"""`python -m benchmarks`: both sides of every comparison in one run, in turn, as one table."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import per_contact, rates
from benchmarks.figures import Figure, table, write_into
from benchmarks.glance import glance
from benchmarks.intake import intake, plans
from benchmarks.machine import described
from benchmarks.start_up import start_up

PARTS = ("start", "status", "contact", "rate", "intake", "plan")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each is measured; rounds are those that count."""

    start_rounds: int
    contact_rounds: int
    calls: int
    rate_rounds: int
    rate_s: float
    lanes: tuple[int, ...]
    delay_s: float
    intake_rounds: int
    few_rows: int
    many_rows: int


FULL = Sizes(15, 7, 300, 3, 10.0, (1, 16, 64), 0.05, 1, 100_000, 1_000_000)
QUICK = Sizes(1, 1, 5, 1, 0.02, (1, 4), 0.005, 1, 200, 400)


def measured(parts: list[str], sizes: Sizes, folder: Path) -> Iterator[Figure]:
    if "start" in parts:
        yield from start_up(sizes.start_rounds, folder)
    if "status" in parts:
        yield from glance(sizes.start_rounds, sizes.many_rows, folder)
    if "contact" in parts:
        yield from per_contact(sizes.contact_rounds, sizes.calls, folder)
    if "rate" in parts:
        yield from rates(sizes.rate_rounds, sizes.rate_s, sizes.lanes, sizes.delay_s, folder)
    if "intake" in parts:
        yield from intake(sizes.intake_rounds, sizes.few_rows, sizes.many_rows, folder)
    if "plan" in parts:
        yield from plans(sizes.intake_rounds, sizes.few_rows, sizes.many_rows, folder)


def main() -> int:
    options = _options()
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
        return 2
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        where = described(folder)
        print(f"{where}\n", flush=True)
        figures = list(measured(parts, QUICK if options.quick else FULL, folder))
    shown = table(figures)
    print(shown, end="")
    if options.write:
        write_into(options.write, f"\n{where}\n\n{shown}\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help=",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="see that it works; no figures")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured (temporary)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table there, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
