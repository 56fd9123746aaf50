"""`kill -9` from outside in the middle of 200 contacts, then the same command again."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import checks
from tests.oracle.evidence import read_log
from tests.sweeps import product
from tests.sweeps.points import Trial, bad_endings
from tests.sweeps.stage import CAMPAIGN, Oracle, Shape, Stage, set_up

_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Survived:
    dials_before: int
    dials: int
    violations: tuple[str, ...]
    kept: str = ""


def kill_half_way(shape: Shape, folder: Path, oracle: Oracle, key: str) -> Survived:
    """Kill once half of the numbers have been dialled; what remains must be just the rest."""
    stage = set_up(folder, oracle, key, shape)
    trial = Trial(stage, oracle, product.nothing)
    run = product.start(stage.argv, folder, key)
    _wait_for_dials(stage, shape.contacts // 2)
    os.kill(run.pid, signal.SIGKILL)
    trial.ended(run.wait())
    before = _dials(stage)
    trial.finish()
    wrong = [*checks.violations(trial.evidence()), *bad_endings(trial.endings)]
    accounted = _accounted_for(stage)
    if accounted != shape.contacts:
        wrong.append(f"the report accounts for {accounted} of {shape.contacts} contacts")
    oracle.close_world(key)
    dials = _dials(stage)
    if not wrong:
        stage.remove()
    return Survived(before, dials, tuple(wrong), kept=str(folder) if wrong else "")


def _dials(stage: Stage) -> int:
    return sum(line["kind"] == "dial" for line in read_log(stage.oracle_log))


def _wait_for_dials(stage: Stage, count: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while stage.oracle_log.read_bytes().count(b'"kind": "dial"') < count:
        if time.monotonic() > until:
            raise RuntimeError(f"only {_dials(stage)} dials after {_PATIENCE_S:.0f} s")
        time.sleep(0.005)


def _accounted_for(stage: Stage) -> int:
    """Ask the program itself."""
    output = stage.folder / "output.txt"
    at = output.stat().st_size
    argv = ("report", CAMPAIGN, "--json", "--config", "config.yml")
    product.start(argv, stage.folder, stage.key).wait()
    said = output.read_bytes()[at:]
    try:
        return sum(json.loads(said[said.index(b"{") :])["totals"].values())
    except ValueError:
        return -1
