"""How long `callagent status` takes on a large ledger, against one with a hundred contacts."""

import sys
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Target, paired
from benchmarks.ledgers import write_ledger
from benchmarks.processes import wall_s

_FEW = 100
_LIMIT_S = 0.3
_GROWTH_LIMIT = 1.1  # of the whole process: nothing is counted
_STATUS = [sys.executable, "-m", "callagent_cli", "status"]


def glance(rounds: int, contacts: int, folder: Path) -> list[Figure]:
    """Whole processes, start-up included, in turn; the first round warms the disk's cache."""
    folders = [folder / "few", folder / "many"]
    for place, n in zip(folders, (_FEW, contacts), strict=True):
        write_ledger(place / ".callagent", n)
    took = [[wall_s(_STATUS, place) for place in folders] for _ in range(rounds + 1)][1:]
    small, large = [few for few, _ in took], [many for _, many in took]
    ratio = paired(large, small)
    return [
        Figure(
            f"`status` on a ledger of {contacts:,} contacts, against {_FEW}",
            f"{median(large) * 1000:.0f} ms",
            f"{median(small) * 1000:.0f} ms",
            f"{ratio:.2f}",
            Target(f"≤ {_GROWTH_LIMIT}", ratio, _GROWTH_LIMIT),
        ),
        Figure(
            f"`status` on a ledger of {contacts:,} contacts",
            f"{median(large) * 1000:.0f} ms",
            target=Target(f"≤ {_LIMIT_S} s", median(large), _LIMIT_S),
        ),
    ]
