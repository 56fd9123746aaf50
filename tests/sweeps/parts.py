"""The parts of the proof, each from a pool of workers to a section of the report."""

import argparse
import functools
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.sweeps import crowd, damage, failing_io, gates, halfway
from tests.sweeps.kill_syscalls import CallFailure
from tests.sweeps.mutants import MUTANTS, plant_of
from tests.sweeps.plan import SHARES, Journeys, draw, observe
from tests.sweeps.points import Point, Verdict, try_point
from tests.sweeps.pool import Job, Pool
from tests.sweeps.product import nothing
from tests.sweeps.report import Section
from tests.sweeps.stage import Oracle, Shape
from tests.sweeps.tally import Tally, markdown

_MUTANT_POINTS = 400  # a mutant that survives so many is a hole in the proof


class Finding(Protocol):
    @property
    def violations(self) -> tuple[str, ...]: ...


def kills(pool: Pool, options: argparse.Namespace) -> Section:
    """Kill at points drawn from the seed until as many as asked for have killed."""
    journeys = _observe(pool, options.schedules.split(","), concurrencies=(1, 3))
    shares = {kind: SHARES[kind] for kind in options.kinds.split(",")}
    tally = Tally()
    drawn = (functools.partial(_try, point) for point in draw(options.seed, journeys, shares))
    for verdict in pool.each(itertools.islice(drawn, options.points * 3)):
        tally.add(verdict)
        if verdict.violations:
            _tell(describe(verdict))
        if tally.total.killed >= options.points:
            break
    places = sum(len(seen.fresh.lines) + len(seen.recovery.lines) for seen in journeys)
    note = f"{places:,} distinct lines over {len(journeys)} shapes of campaign to choose from."
    return Section("kills", f"{tally.table()}\n\n{note}", not tally.wrong)


def failing(pool: Pool, options: argparse.Namespace) -> Section:
    """Fail every write once, per error and provider."""
    shapes = [Shape(schedule) for schedule in options.schedules.split(",")[:2]]
    writes = pool.each(functools.partial(_writes, shape) for shape in shapes)
    jobs = [
        functools.partial(failing_io.fail, failure, file, shape, nothing)
        for shape, found in writes
        for failure, file in found
    ]
    results = []
    for result in pool.each(jobs):
        results.append(result)
        if result.violations:
            _tell(f"VIOLATION {result}")
    table = markdown(
        ("file", "writes failed", "exit statuses", "violations"), failing_io.rows(results)
    )
    return Section("failing-io", table, not any(result.violations for result in results))


def half_way(pool: Pool, options: argparse.Namespace) -> Section:
    """Two hundred contacts, killed from outside after a hundred dials."""
    shapes = [
        Shape(schedule, contacts=200, concurrency=4) for schedule in options.schedules.split(",")
    ]
    jobs = (functools.partial(halfway.kill_half_way, shape) for shape in shapes)
    results = list(pool.each(jobs))
    for result in results:
        if result.violations:
            _tell(f"VIOLATION {result}")
    before, dials = sum(r.dials_before for r in results), sum(r.dials for r in results)
    wrong = sum(len(r.violations) for r in results)
    table = markdown(
        ("campaigns of 200", "dials before the kill", "dials in all", "violations"),
        [[str(len(results)), str(before), str(dials), str(wrong)]],
    )
    return Section("half-way", table, not wrong)


def crowds(pool: Pool, options: argparse.Namespace) -> Section:
    """Rounds of twenty processes at one ledger."""
    rounds = []
    job = functools.partial(crowd.crowd, nothing)
    for result in pool.each(itertools.repeat(job, options.rounds)):
        rounds.append(result)
        if result.violations:
            _tell(f"VIOLATION {result}")
    statuses = Counter(status for result in rounds for status in result.statuses)
    slowest_s = max(result.slowest_refusal_s for result in rounds)
    table = markdown(
        ("rounds", "processes", "worked", "refused with 75", "slowest refusal", "violations"),
        [
            [
                str(len(rounds)),
                str(sum(statuses.values())),
                str(sum(statuses.values()) - statuses[crowd.BUSY]),
                str(statuses[crowd.BUSY]),
                f"{slowest_s:.1f} s",
                str(sum(len(result.violations) for result in rounds)),
            ]
        ],
    )
    return Section("crowd", table, not any(result.violations for result in rounds))


def damages(pool: Pool, options: argparse.Namespace) -> Section:
    """Every way to spoil a ledger, at as many places of it as asked for."""
    places = random.Random(options.seed).sample(range(damage.PLACES), options.places)
    results = []
    jobs = (functools.partial(damage.suffer, case, nothing) for case in damage.cases(places))
    for result in pool.each(jobs):
        results.append(result)
        if result.violations:
            _tell(f"VIOLATION {result}")
    table = markdown(
        ("what happened to the ledger", "cases", "dials", "exit statuses", "violations"),
        damage.rows(results),
    )
    return Section("damage", table, not any(result.violations for result in results))


def broken_gates(pool: Pool, options: argparse.Namespace) -> Section:
    """An exception in every gate."""
    results = []
    for result in pool.each(functools.partial(gates.hold, gate) for gate in gates.cases()):
        results.append(result)
        if result.violations:
            _tell(f"VIOLATION {result}")
    table = markdown(
        ("gate that raised", "cases", "dials", "exit statuses", "violations"), gates.rows(results)
    )
    return Section("gates", table, not any(result.violations for result in results))


def mutants(pool: Pool, options: argparse.Namespace) -> Section:
    """Plant each bug and go on until it shows, or the proof has missed it."""
    rows, survivors = [], 0
    for name, mutant in MUTANTS.items():
        tried, caught = 0, ""
        for found in pool.each(_hunt(pool, name, options.seed)):
            tried += 1
            if found.violations:
                caught = found.violations[0]
                break
        survivors += not caught
        rows.append([mutant.what, mutant.by, str(tried), _invariant(caught)])
        _tell(f"{name}: {tried} tried, {caught or 'SURVIVED'}")
    headings = ("planted bug", "caught in", "tried until then", "as")
    return Section("mutants", markdown(headings, rows), not survivors)


def _hunt(pool: Pool, name: str, seed: int) -> Iterator[Job[Finding]]:
    """The trials that are to show a mutant."""
    mutant = MUTANTS[name]
    if mutant.by == "kills":
        journeys = _observe(pool, mutant.schedules, (1,), name)
        drawn = itertools.islice(draw(seed, journeys, SHARES, name), _MUTANT_POINTS)
        yield from (functools.partial(_try, point) for point in drawn)
    elif mutant.by == "crowd":
        yield from itertools.repeat(functools.partial(_with, crowd.crowd, name), 3)
    elif mutant.by == "damage":
        for case in damage.cases():
            yield functools.partial(_with, functools.partial(damage.suffer, case), name)
    else:
        ((shape, writes),) = pool.each([functools.partial(_writes, Shape())])
        for failure, file in writes:
            fail = functools.partial(failing_io.fail, failure, file, shape)
            yield functools.partial(_with, fail, name)


def _with(trial: Any, mutant: str, folder: Path, oracle: Oracle, key: str) -> Finding:
    """Run a trial with a mutant planted in it."""
    found: Finding = trial(plant_of(mutant), folder, oracle, key)
    return found


def _invariant(violation: str) -> str:
    if not violation:
        return "SURVIVED"
    name, colon, _ = violation.partition(":")
    return name if colon and name.startswith("I") else violation.split(",")[0][:60]


def _observe(
    pool: Pool, schedules: Sequence[str], concurrencies: Sequence[int], mutant: str = ""
) -> list[Journeys]:
    shapes = [
        Shape(schedule, seed=number, concurrency=concurrency)
        for number, schedule in enumerate(schedules)
        for concurrency in concurrencies
    ]
    seen = pool.each(functools.partial(observe, shape, plant_of(mutant)) for shape in shapes)
    return sorted(seen, key=lambda journeys: shapes.index(journeys.shape))


def _try(point: Point, folder: Path, oracle: Oracle, key: str) -> Verdict:
    return try_point(point, folder, oracle, key, plant_of(point.mutant))


def _writes(
    shape: Shape, folder: Path, oracle: Oracle, key: str
) -> tuple[Shape, list[tuple[CallFailure, str]]]:
    return shape, failing_io.writes_of(shape, folder, oracle, key)


def describe(verdict: Verdict) -> str:
    point = verdict.point
    head = f"VIOLATION {point.kind} {point.shape} {point.kills} in {verdict.kept}"
    return "\n".join([head, *(f"    {what}" for what in verdict.violations)])


def _tell(text: str) -> None:
    print(text, flush=True)


PARTS: dict[str, Callable[[Pool, argparse.Namespace], Section]] = {
    "kills": kills,
    "failing-io": failing,
    "half-way": half_way,
    "crowd": crowds,
    "damage": damages,
    "gates": broken_gates,
    "mutants": mutants,
}
