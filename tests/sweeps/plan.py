"""Which points to try: drawn from a seed, out of what a campaign was seen to do."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sweeps import product
from tests.sweeps.kill_lines import LineCount, LineKill
from tests.sweeps.kill_sql import SqlCount, SqlKill
from tests.sweeps.kill_syscalls import CallKill, seen_in, traced
from tests.sweeps.points import Kill, Point, Trial
from tests.sweeps.product import Arm
from tests.sweeps.stage import Oracle, Shape, Stage, set_up

SHARES = {"lines": 50, "sql": 20, "syscalls": 12, "again": 18}  # percent of the points


@dataclass(frozen=True, slots=True)
class Journey:
    """What one run of a campaign does, as counted."""

    lines: dict[str, int]  # place → times reached
    boundaries: int  # of SQL statements
    calls: tuple[CallKill, ...]  # system calls on the campaign's files and sockets


@dataclass(frozen=True, slots=True)
class Journeys:
    shape: Shape
    fresh: Journey
    recovery: Journey  # of the run after one that was killed half-way


def observe(shape: Shape, plant: Arm, folder: Path, oracle: Oracle, key: str) -> Journeys:
    """Run campaigns of this shape and count what they do."""
    fresh = _observe_run(shape, plant, folder / "fresh", oracle, key, None)
    half_way = SqlKill(fresh.boundaries * 2 // 3)
    return Journeys(
        shape, fresh, _observe_run(shape, plant, folder / "recovery", oracle, key, half_way)
    )


def _observe_run(
    shape: Shape, plant: Arm, folder: Path, oracle: Oracle, key: str, first: Kill | None
) -> Journey:
    def on_stage(name: str, count: Callable[[Stage], str]) -> str:
        stage = set_up(folder / name, oracle, key, shape)
        if first is not None:
            Trial(stage, oracle, plant).run(first)
        counted = count(stage)
        oracle.settle()
        oracle.close_world(key)
        stage.remove()
        return counted

    lines = on_stage("lines", lambda stage: _count(stage, LineCount(_report(stage)), plant))
    sql = on_stage("sql", lambda stage: _count(stage, SqlCount(_report(stage)), plant))
    calls = json.loads(on_stage("calls", lambda stage: _calls(stage, plant)))
    return Journey(json.loads(lines), int(sql), tuple(CallKill(*call) for call in calls))


def _report(stage: Stage) -> Path:
    return stage.folder / "count"


def _count(stage: Stage, counter: LineCount | SqlCount, plant: Arm) -> str:
    def arm() -> None:
        plant()
        counter.arm()

    run = product.start(stage.argv, stage.folder, stage.key, arm, counter.at_end)
    ended = run.wait()
    if not counter.report.exists():
        said = (stage.folder / "output.txt").read_text()
        raise RuntimeError(f"a run could not be counted: {ended}\n{said}")
    return counter.report.read_text()


def _calls(stage: Stage, plant: Arm) -> str:
    trace = stage.folder / "strace.txt"
    traced(product.start(stage.argv, stage.folder, stage.key, plant, gated=True), trace)
    found = {(seen.call, seen.nth) for seen in seen_in(trace, stage.folder)}
    return json.dumps(sorted(found))


def draw(
    seed: int, journeys: Sequence[Journeys], shares: dict[str, int], mutant: str = ""
) -> Iterator[Point]:
    """Draw points without end. The same seed and journeys draw the same points."""
    choose = random.Random(seed)
    kinds, weights = list(shares), list(shares.values())
    turn = 0
    while True:
        seen = journeys[turn % len(journeys)]
        turn += 1
        kind = choose.choices(kinds, weights)[0]
        yield Point(kind, seen.shape, tuple(_kills(kind, seen, choose)), mutant)


def _kills(kind: str, seen: Journeys, choose: random.Random) -> Iterator[Kill]:
    if kind != "again":
        yield _kill(kind, seen.fresh, choose)
        return
    yield _kill(choose.choice(("lines", "sql")), seen.fresh, choose)
    for _ in range(choose.randint(1, 4)):  # two to five kills in all
        yield _kill(choose.choice(("lines", "sql")), seen.recovery, choose)


def _kill(kind: str, journey: Journey, choose: random.Random) -> Kill:
    """Every place is as likely as any other, however often it is passed."""
    match kind:
        case "lines":
            place = choose.choice(sorted(journey.lines))
            return LineKill(place, choose.randint(1, journey.lines[place]))
        case "sql":
            return SqlKill(choose.randint(1, journey.boundaries))
        case _:
            call = choose.choice(sorted({kill.call for kill in journey.calls}))
            return choose.choice([kill for kill in journey.calls if kill.call == call])
