"""How long `callagent --help` takes, against a bare Typer program with one command."""

import compileall
import sys
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Target, paired
from benchmarks.processes import ROOT, wall_s

_LIMIT = 1.5
_SIDES = ("callagent_cli", "benchmarks.bare_typer", "benchmarks.bare_typer_plain")


def start_up(rounds: int, folder: Path) -> list[Figure]:
    """Whole processes of this interpreter, in turn, their code compiled before."""
    for part in ("callagent_cli", "benchmarks"):
        compileall.compile_dir(ROOT / part, quiet=2)
    times: dict[str, list[float]] = {name: [] for name in _SIDES}
    for n in range(rounds + 1):
        for name in _SIDES:
            took_s = wall_s([sys.executable, "-m", name, "--help"], folder)
            if n:  # the first round warms the disk's cache
                times[name].append(took_s)
    ours = times["callagent_cli"]
    return [
        _figure("with Typer's own help", ours, times["benchmarks.bare_typer"], is_target=True),
        _figure("with plain help, as ours", ours, times["benchmarks.bare_typer_plain"]),
    ]


def _figure(
    which: str, ours: list[float], theirs: list[float], *, is_target: bool = False
) -> Figure:
    ratio = paired(ours, theirs)
    return Figure(
        f"`--help`, against a bare Typer program {which}",
        f"{median(ours) * 1000:.0f} ms",
        f"{median(theirs) * 1000:.0f} ms",
        f"{ratio:.2f}",
        Target(f"≤ {_LIMIT}", ratio, _LIMIT) if is_target else None,
    )
