"""Fail each write of a campaign once, with EIO and with ENOSPC: then nobody is dialled without an
intent on disk, and a later run completes the campaign."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.oracle import checks
from tests.oracle.evidence import read_log
from tests.sweeps.kill_syscalls import WRITES, CallFailure, Seen, seen_in, traced, with_whole_paths
from tests.sweeps.points import Trial, bad_endings
from tests.sweeps.product import Arm, start
from tests.sweeps.stage import Oracle, Shape, set_up

ERRORS = ("EIO", "ENOSPC")
_INTENT = {"state/ledger.db-wal", "state/ledger.journal"}  # what an intent to dial is kept in
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
    return re.sub(r"[0-9a-f]{8,}", "*", found[1]) if found else ""


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
    injected = list(_injected(trace, folder))
    trial.finish()
    oracle.close_world(key)
    evidence = trial.evidence(failures=1 if injected else 0)
    wrong = [*checks.violations(evidence), *bad_endings(trial.endings)]
    broken_at = min((at for at, where in injected if where in _INTENT), default=over_at)
    for line in read_log(stage.oracle_log):
        if line["kind"] == "dial" and broken_at + _SETTLING_S < line["wall"] < over_at:
            wrong.append(f"{line['attempt_id']} was dialled after an intent could not be kept")
    if not wrong:
        stage.remove()
    return Failed(
        failure,
        shape.schedule,
        file,
        was_injected=bool(injected),
        status=ended.status,
        violations=tuple(wrong),
        kept=str(folder) if wrong else "",
    )


def _injected(trace: Path, folder: Path) -> Iterator[tuple[float, str]]:
    """Wall time and file of each call that strace let fail: it counts for each thread."""
    for line in trace.read_text(errors="replace").splitlines():
        if line.endswith("(INJECTED)"):
            yield float(line.split()[1]), _file(with_whole_paths(line, folder), folder)


def rows(results: Sequence[Failed]) -> list[list[str]]:
    """Per file: writes failed, dials after a failed intent, how the runs ended."""
    table = []
    for file in sorted({result.file for result in results}):
        of_file = [result for result in results if result.file == file and result.was_injected]
        statuses = sorted({str(result.status) for result in of_file})
        wrong = sum(len(result.violations) for result in of_file)
        table.append([file, str(len(of_file)), ", ".join(statuses), str(wrong)])
    return table
