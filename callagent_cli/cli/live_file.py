"""`live.json` in the state_dir: what a run's live view shows, for `status` in another process.

Written about once a second on a thread of its own, by the machine's clock. Invariant: whatever
goes wrong here stays here, and no call waits for it. In it is neither a name nor a whole number
of anybody, nor a secret.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from callagent_cli.cli.interrupts import unheard
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.snapshot import BreakerState, InHand, RunSnapshot, ServiceSnapshot
from callagent_cli.reporting.replaced_file import replace_file

NAME = "live.json"
FRESH_S = 10.0  # older news is no news
_EVERY_S = 1.0
_PATIENCE_S = 2.0  # with a disk that hangs

Snapshot = Callable[[], RunSnapshot]


@dataclass(frozen=True, slots=True)
class LiveRun:
    """exit_status: None while it is on."""

    run_id: str
    pid: int
    written_at: datetime  # aware, by the machine's clock
    run: RunSnapshot
    exit_status: int | None = None
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        written_at = self.written_at.isoformat(timespec="milliseconds")
        return {**asdict(self), "written_at": written_at}


class LiveFile:
    """A with block around a run's work."""

    def __init__(
        self,
        state_dir: Path,
        run_id: str,
        snapshot: Snapshot,
        *,
        status_of: Callable[[BaseException], int],
        hidden: Sequence[str] = (),
    ) -> None:
        """hidden: what must not stand in it. status_of: with which an error ends the run."""
        self._path, self._run_id, self._snapshot = state_dir / NAME, run_id, snapshot
        self._status_of, self._hidden = status_of, hidden
        self._clock = SystemClock()
        self._over = self._clock.signal()

    def end(self, exit_status: int, reason: str) -> None:
        """How it ended; the last word."""
        self._stop()
        self._write(exit_status, reason)

    def __enter__(self) -> Self:
        with unheard():  # a signal is for the thread that heeds it
            self._task = self._clock.spawn("live file", self._keep)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.end(self._status_of(error), "")
        self._stop()

    def _keep(self) -> None:
        self._write()
        while not self._over.wait(_EVERY_S):
            self._write()

    def _stop(self) -> None:
        self._over.set()
        self._task.join(_PATIENCE_S)

    def _write(self, exit_status: int | None = None, reason: str = "") -> None:
        with suppress(Exception):  # a view must not stop a campaign
            live = LiveRun(
                self._run_id,
                os.getpid(),
                self._clock.now(),
                _unnamed(self._snapshot()),
                exit_status,
                reason,
            )
            text = mask_phones(json.dumps(live.to_json()))
            for secret in self._hidden:
                text = text.replace(json.dumps(secret)[1:-1], "[secret]")
            replace_file(self._path, text.encode(), mode=0o600, is_durable=False)


def read_live(state_dir: Path) -> LiveRun | None:
    """None where there is none that can be read."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads((state_dir / NAME).read_bytes())
        return LiveRun(
            run_id=str(told["run_id"]),
            pid=int(told["pid"]),
            written_at=datetime.fromisoformat(told["written_at"]),
            run=_run(told["run"]),
            exit_status=told["exit_status"],
            reason=str(told["reason"]),
        )
    return None


def _unnamed(run: RunSnapshot) -> RunSnapshot:
    """A label ends in the masked number."""
    return replace(
        run,
        in_hand=tuple(replace(held, label=held.label.rpartition(" ")[2]) for held in run.in_hand),
    )


def _run(told: Mapping[str, Any]) -> RunSnapshot:
    parts = {
        "in_hand": tuple(InHand(**held) for held in told["in_hand"]),
        "services": tuple(_service(service) for service in told["services"]),
    }
    return RunSnapshot(**{**_known(told, RunSnapshot), **parts})


def _service(told: Mapping[str, Any]) -> ServiceSnapshot:
    state = {"breaker_state": BreakerState(told["breaker_state"])}
    return ServiceSnapshot(**{**_known(told, ServiceSnapshot), **state})


def _known(told: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Another version may tell more."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in told.items() if name in names}
