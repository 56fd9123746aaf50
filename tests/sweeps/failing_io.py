"""Fail each write of a campaign once, with EIO and with ENOSPC: then nobody is dialled without an
intent on disk, and a later run completes the campaign."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import checks
from tests.oracle.evidence import read_log
from tests.sweeps.kill_syscalls import WRITES, CallFailure, Seen, seen_in, traced
from tests.sweeps.points import Trial, bad_endings
from tests.sweeps.product import Arm, start
from tests.sweeps.stage import Oracle, Shape, set_up

ERRORS = ("EIO", "ENOSPC")
_SETTLING_S = 0.005  # a dial may be on its way while the error is


@dataclass(frozen=True, slots=True)
class Failed:
    """What one failed system call led to."""

    failure: CallFailure
    schedule: str
    file: str  # what it was to be written to
    was_injected: bool
    status: int | None
    violations: tuple[str, ...]
    kept: str = ""


def writes_of(
    shape: Shape, folder: Path, oracle: Oracle, key: str
) -> list[tuple[CallFailure, str]]:
    """Run a campaign and list every write to its files, once per error."""
    stage = set_up(folder, oracle, key, shape)
    trace = folder / "strace.txt"
    traced(start(stage.argv, folder, key, gated=True), trace)
    oracle.settle()
    oracle.close_world(key)
    seen = {(one.call, one.nth): _file(one.rest, folder) for one in _written(trace, folder)}
    stage.remove()
    return [
        (CallFailure(call, nth, error), file)
        for (call, nth), file in sorted(seen.items())
        for error in ERRORS
    ]


def _written(trace: Path, folder: Path) -> Iterator[Seen]:
    for seen in seen_in(trace, folder):
        reads_only = seen.call == "openat" and "O_RDONLY" in seen.rest
        if seen.call in WRITES and str(folder) in seen.rest and not reads_only:
            yield seen


def _file(rest: str, folder: Path) -> str:
    found = re.search(re.escape(str(folder)) + r"/?([^>\"]*)", rest)
    return found[1] if found else ""


def fail(
    failure: CallFailure,
    file: str,
    shape: Shape,
    plant: Arm,
    folder: Path,
    oracle: Oracle,
    key: str,
) -> Failed:
    """Let one write of a campaign fail; then run it to its end."""
    stage = set_up(folder, oracle, key, shape)
    trial = Trial(stage, oracle, plant)
    trace = trial.trace
    ended = trial.run(failure)
    over_at = time.time()
    injected_at = _injected_at(trace)
    trial.finish()
    oracle.close_world(key)
    wrong = [*checks.violations(trial.evidence()), *bad_endings(trial.endings[1:])]
    wrong += bad_endings(trial.endings[:1]) if ended.is_hung else []
    if injected_at and _is_intent(file):
        late = [
            str(line["attempt_id"])
            for line in read_log(stage.oracle_log)
            if line["kind"] == "dial" and injected_at + _SETTLING_S < line["wall"] < over_at
        ]
        wrong += [f"{attempt_id} was dialled after {file} failed" for attempt_id in late]
    if not wrong:
        stage.remove()
    return Failed(
        failure,
        shape.schedule,
        file,
        was_injected=injected_at is not None,
        status=ended.status,
        violations=tuple(wrong),
        kept=str(folder) if wrong else "",
    )


def _is_intent(file: str) -> bool:
    """Whether an intent to dial goes through this file."""
    return file.startswith("state/") and not file.endswith("-shm")


def _injected_at(trace: Path) -> float | None:
    """Wall time of the first call that strace let fail."""
    for line in trace.read_text(errors="replace").splitlines():
        if line.endswith("(INJECTED)"):
            return float(line.split()[1])
    return None


def rows(results: Sequence[Failed]) -> list[list[str]]:
    """Per file: writes failed, dials after a failed intent, how the runs ended."""
    table = []
    for file in sorted({result.file for result in results}):
        of_file = [result for result in results if result.file == file and result.was_injected]
        statuses = sorted({str(result.status) for result in of_file})
        wrong = sum(len(result.violations) for result in of_file)
        table.append([file, str(len(of_file)), ", ".join(statuses), str(wrong)])
    return table
