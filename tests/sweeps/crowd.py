"""Twenty processes at one ledger: one works, the others leave at once."""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import checks
from tests.oracle.evidence import Evidence, Row, read_ledger, read_log
from tests.sweeps.product import Arm, Run, start
from tests.sweeps.stage import Oracle, Shape, numbers, set_up

PROCESSES = 20
BUSY = 75
_SHAPE = Shape(schedule="slow!", contacts=8)  # half a second a dial: time for all to come
_AT_ONCE_S = 5.0  # of two cores for twenty processes; alone, a refused run takes a tenth of one


@dataclass(frozen=True, slots=True)
class Round:
    statuses: tuple[int, ...]
    slowest_refusal_s: float
    violations: tuple[str, ...]
    kept: str = ""


def crowd(plant: Arm, folder: Path, oracle: Oracle, key: str) -> Round:
    """Start twenty runs at once, half of them as another campaign of the same people."""
    stage = set_up(folder, oracle, key, _SHAPE)
    names = [(), ("--campaign", "others")]
    runs = [
        start((*stage.argv, *names[number % 2]), folder, key, plant, gated=True)
        for number in range(PROCESSES)
    ]
    for run in runs:
        run.go()
    ended = _wait_for(runs)
    oracle.settle()
    oracle.close_world(key)
    wrong = _violations(ended, read_log(stage.oracle_log), stage.ledger)
    if not wrong:
        stage.remove()
    refusals = [seconds for status, seconds in ended if status == BUSY]
    return Round(
        tuple(sorted(status for status, _ in ended)),
        max(refusals, default=0.0),
        tuple(wrong),
        kept=str(folder) if wrong else "",
    )


def _wait_for(runs: list[Run]) -> list[tuple[int, float]]:
    """Return exit status and seconds of each, in the order in which they end."""
    began = time.monotonic()
    left = {run.pid for run in runs}
    ended = []
    while left:
        for pid in sorted(left):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                left.discard(pid)
                ended.append((os.waitstatus_to_exitcode(status), time.monotonic() - began))
        if time.monotonic() - began > 90:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    return ended


def _violations(ended: list[tuple[int, float]], log: tuple[Row, ...], ledger: Path) -> list[str]:
    counts = Counter(status for status, _ in ended)
    wrong = []
    if counts[BUSY] != PROCESSES - 1:
        wrong.append(f"of {PROCESSES} runs {counts[BUSY]} were refused: {dict(counts)}")
    wrong += [
        f"a refusal took {seconds:.1f} s"
        for status, seconds in ended
        if status == BUSY and seconds > _AT_ONCE_S
    ]
    evidence = Evidence(tuple(numbers(_SHAPE)), log, (read_ledger(ledger),), (0,))
    if twice := checks.doubles(evidence):
        wrong.append(f"{twice} numbers were called twice")
    if len(evidence.dials) != _SHAPE.contacts:
        wrong.append(f"{len(evidence.dials)} dials for {_SHAPE.contacts} numbers")
    return wrong
