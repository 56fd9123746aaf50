"""One point: kill a campaign once or several times, let it finish, and ask the oracle."""

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.oracle import checks
from tests.oracle.conversations import result_of
from tests.oracle.evidence import Evidence, Snapshot, read_ledger, read_log
from tests.sweeps import product
from tests.sweeps.kill_lines import LineKill
from tests.sweeps.kill_sql import SqlKill
from tests.sweeps.kill_syscalls import CallFailure, CallKill, traced
from tests.sweeps.product import Arm, Ended
from tests.sweeps.stage import Oracle, Shape, Stage, numbers, set_up

Kill = LineKill | SqlKill | CallKill | CallFailure
_LAST_RUNS = 3  # without a kill, until there is nothing left to do
_LATER = (timedelta(0), timedelta(hours=25), timedelta(days=40))


@dataclass(frozen=True, slots=True)
class Point:
    kind: str  # the row of the table that it counts for
    shape: Shape
    kills: tuple[Kill, ...]  # of the first run, the second …
    mutant: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    point: Point
    kills_due: int
    kills_done: int
    violations: tuple[str, ...]
    doubles: int
    lost: int
    parked: int
    settled: int
    seconds: float
    kept: str = ""  # the folder, when something was wrong

    @property
    def counts(self) -> bool:
        """Only a run that really died of the signal is a point."""
        return self.kills_done > 0


class Trial:
    """Runs of one campaign, one after another, with a snapshot after each."""

    def __init__(self, stage: Stage, oracle: Oracle, plant: Arm) -> None:
        self.stage = stage
        self._oracle = oracle
        self._plant = plant
        self.endings: list[Ended] = []
        self.snapshots: list[Snapshot] = []

    def run(
        self,
        kill: Kill | None = None,
        *,
        later: timedelta = timedelta(0),
        options: Sequence[str] = (),
    ) -> Ended:
        def arm() -> None:
            self._plant()
            if later:
                product.shift_clock(later)
            if isinstance(kill, LineKill | SqlKill):
                kill.arm()

        by_strace = isinstance(kill, CallKill | CallFailure)
        stage = self.stage
        argv = (*stage.argv, *options)
        run = product.start(argv, stage.folder, stage.key, arm, gated=by_strace)
        if isinstance(kill, CallKill | CallFailure):
            ended = traced(run, self.trace, kill.injection)
        else:
            ended = run.wait()
        return self.ended(ended)

    def ended(self, ended: Ended) -> Ended:
        """Take down how a run ended, and what it left."""
        self._oracle.settle()
        self.endings.append(ended)
        self.snapshots.append(read_ledger(self.stage.ledger))
        return ended

    @property
    def trace(self) -> Path:
        """Where strace writes about the next run."""
        return self.stage.folder / f"strace-{len(self.endings)}.txt"

    def finish(self) -> None:
        """Run without kills, each time later, until a run says that nothing is left."""
        for later in _LATER[:_LAST_RUNS]:
            self.run(later=later)

    def evidence(self, *, failures: int = 0) -> Evidence:
        wanted = tuple(numbers(self.stage.shape))
        return Evidence(
            wanted=wanted,
            log=read_log(self.stage.oracle_log),
            snapshots=tuple(self.snapshots),
            statuses=tuple(ended.status for ended in self.endings),
            concurrency=self.stage.shape.concurrency,
            failures=failures,
            outputs=_outputs(self.stage.folder),
            secrets=(self.stage.key, *wanted, *(number[2:] for number in wanted)),
            disposition_of={number: result_of(number) for number in wanted},
        )


def _outputs(folder: Path) -> dict[str, str]:
    """What a person may get to see: the terminal, the log, the rejected rows."""
    files = [folder / "output.txt", *folder.glob("logs/*"), *folder.glob("*.rejected.csv")]
    return {file.name: file.read_text(errors="replace") for file in files if file.is_file()}


def try_point(point: Point, folder: Path, oracle: Oracle, key: str, plant: Arm) -> Verdict:
    """Run one point; its folder is kept only when something is wrong."""
    began = time.monotonic()
    stage = set_up(folder, oracle, key, point.shape)
    trial = Trial(stage, oracle, plant)
    for kill in point.kills:
        if not trial.run(kill).was_killed:
            break  # it ended before its hour had come
    trial.finish()
    oracle.close_world(key)
    evidence = trial.evidence()
    wrong = [*checks.violations(evidence), *bad_endings(trial.endings)]
    if not wrong:
        stage.remove()
    return Verdict(
        point,
        kills_due=len(point.kills),
        kills_done=sum(ended.was_killed for ended in trial.endings),
        violations=tuple(wrong),
        doubles=checks.doubles(evidence),
        lost=checks.lost(evidence),
        parked=checks.parked(evidence),
        settled=checks.settled(evidence),
        seconds=time.monotonic() - began,
        kept=str(folder) if wrong else "",
    )


def bad_endings(endings: Sequence[Ended]) -> list[str]:
    """Return the runs that hung, crashed, or ended with an error that no code foresaw."""
    wrong = []
    for number, ended in enumerate(endings, 1):
        if ended.is_hung:
            wrong.append(f"run {number} did not end")
        elif ended.signal not in (None, signal.SIGKILL):
            wrong.append(f"run {number} died of signal {ended.signal}")
        elif ended.status in (1, product.BROKEN):
            wrong.append(f"run {number} ended with {ended.status}, which is a bug")
    return wrong
