"""Memory and time of taking a contacts file in and of planning it, and whether both hold as it
grows."""

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.contacts import write_contacts
from benchmarks.figures import Figure, Target, paired
from benchmarks.processes import Cost, side

_PEAK_LIMIT_MB = 150
_LINEAR_LIMIT = 1.1  # time a row of the large file to that of the small one


def intake(rounds: int, few: int, many: int, folder: Path) -> list[Figure]:
    """few, many: rows of the two files."""
    small = write_contacts(folder / "few.csv", few)
    large = write_contacts(folder / "many.csv", many)
    figures = [_least(rounds, small, few, folder)]
    for name, what in (("read", "intake"), ("take_in", "intake into the ledger")):
        costs = [(_cost(name, small, folder), _cost(name, large, folder)) for _ in range(rounds)]
        figures += [
            _time(what, few, [one for one, _ in costs]),
            _growth(what, few, many, costs),
            _memory(what, many, [one for _, one in costs]),
        ]
    return figures


def plans(rounds: int, few: int, many: int, folder: Path) -> list[Figure]:
    """As `intake`, of `callagent plan`: of a new campaign, and of one that knows everybody."""
    small = write_contacts(folder / "few.csv", few)
    large = write_contacts(folder / "many.csv", many)
    figures = []
    for what, knows in (("plan of a new campaign", False), ("plan of a known one", True)):
        costs = [
            (_planned(small, folder, knows=knows), _planned(large, folder, knows=knows))
            for _ in range(rounds)
        ]
        figures += [
            _time(what, few, [one for one, _ in costs]),
            _growth(what, few, many, costs),
            _memory(what, many, [one for _, one in costs]),
        ]
    return figures


def _planned(file: Path, folder: Path, *, knows: bool) -> Cost:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        if knows:
            side("take_in", file, "sandbox", folder=Path(own))
        return side("plan", file, folder=Path(own))


def _cost(name: str, file: Path, folder: Path) -> Cost:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        return side(name, file, folder=Path(own))


def _least(rounds: int, file: Path, rows: int, folder: Path) -> Figure:
    pairs = [
        (_cost("read", file, folder).wall_s, _cost("numbers_alone", file, folder).wall_s)
        for _ in range(rounds)
    ]
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    return Figure(
        f"intake of {rows:,} rows, against csv and phonenumbers alone",
        f"{median(ours):.1f} s",
        f"{median(theirs):.1f} s",
        f"{paired(ours, theirs):.2f}",
    )


def _time(what: str, rows: int, costs: list[Cost]) -> Figure:
    took_s, peak_mb = (median(c.wall_s for c in costs), median(c.peak_mb for c in costs))
    return Figure(f"{what} of {rows:,} rows", f"{took_s:.1f} s, {peak_mb:.0f} MB")


def _growth(what: str, few: int, many: int, costs: list[tuple[Cost, Cost]]) -> Figure:
    """Of CPU time a row: the wall time of a disk is not the program's."""
    rows = [(small.cpu_s / few, large.cpu_s / many) for small, large in costs]
    ratio = paired([large for _, large in rows], [small for small, _ in rows])
    return Figure(
        f"{what}: CPU a row of {many:,}, against {few:,}",
        f"{median(large for _, large in rows) * 1e6:.0f} µs",
        f"{median(small for small, _ in rows) * 1e6:.0f} µs",
        f"{ratio:.2f}",
        Target(f"linear (≤ {_LINEAR_LIMIT})", ratio, _LINEAR_LIMIT),
    )


def _memory(what: str, rows: int, costs: list[Cost]) -> Figure:
    took_s, peak_mb = median(c.wall_s for c in costs), max(c.peak_mb for c in costs)
    target = Target(f"≤ {_PEAK_LIMIT_MB} MB", peak_mb, _PEAK_LIMIT_MB)
    return Figure(f"{what} of {rows:,} rows", f"{took_s:.1f} s, {peak_mb:.0f} MB", target=target)
