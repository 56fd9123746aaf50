"""What a run leaves for those who were not there, however it ends: `last_run.json` in the
state_dir, and a word to the dead-man's switch.

Nothing that goes wrong here changes how the run ends.
"""

import json
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType, TracebackType

from callagent_cli import __version__, wiring
from callagent_cli.campaign.heartbeat import Heartbeat
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.failures import status_of
from callagent_cli.cli.interrupts import unheard
from callagent_cli.cli.reference.meanings import EXIT_STATUSES
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.errors import CallAgentError
from callagent_cli.domain.text import one_line
from callagent_cli.reporting.figures import rfc3339
from callagent_cli.reporting.replaced_file import replace_file

NAME = "last_run.json"
_ENDING = (signal.SIGTERM, signal.SIGHUP)  # of their own accord they leave nothing behind
_COUNTS = (
    "totals", "dispositions", "dialled", "duration_s", "cost_usd", "remaining", "rejected",
    "in_doubt", "owed", "owed_to", "dead_letters",
)  # fmt: skip


class RunRecord:
    """A with block around a run. Times are the machine's own, also in the sandbox."""

    def __init__(self, settings: Settings, terminal: Terminal) -> None:
        self._settings, self._terminal = settings, terminal
        self._clock = SystemClock()
        self._began_at = self._clock.now()
        self._heartbeat: Heartbeat | None = None
        self._has_begun = self._is_dropped = False
        self.campaign = self.run_id = ""  # as soon as they are known
        self.summary: RunSummary | None = None  # of a run that came to its end

    def begin(self) -> None:
        """The run holds the ledger and goes to work."""
        self._has_begun = True
        self._heartbeat = self._new_heartbeat()
        if self._heartbeat is not None:
            with unheard():
                self._heartbeat.begin()

    def drop(self) -> None:
        """A person at the terminal did not want it: it was no run."""
        self._is_dropped = True

    def __enter__(self) -> "RunRecord":
        self._usual = {
            caught: signal.signal(caught, _end)
            for caught in _ENDING
            if signal.getsignal(caught) is signal.SIG_DFL
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status = self._status(error)
        if isinstance(error, KeyboardInterrupt) and not self._has_begun:
            self.drop()
        if not self._is_dropped:
            self._write(status, error)
            self._tell(status)
        for caught, handler in self._usual.items():
            signal.signal(caught, handler)

    def _status(self, error: BaseException | None) -> int:
        if self.summary is not None:
            return self.summary.exit_status
        return ExitStatus.DONE if error is None else status_of(error)

    def _write(self, status: int, error: BaseException | None) -> None:
        path = self._settings.state_dir / NAME
        text = json.dumps(self._told(status, error), indent=2) + "\n"
        try:
            if self._settings.source is not None:  # else a slip of the finger would make a folder
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.parent.is_dir():
                replace_file(path, text.encode(), mode=0o600)
        except OSError as failed:
            self._terminal.warn(f"warning: {path} cannot be written: {failed.strerror}")

    def _told(self, status: int, error: BaseException | None) -> Mapping[str, object]:
        summary = self.summary
        counts = summary.to_json() if summary else {}
        return {
            "run_id": self.run_id or None,
            "campaign": self.campaign or None,
            "provider": self._settings.provider,
            "version": __version__,
            "started_at": rfc3339(self._began_at),
            "ended_at": rfc3339(self._clock.now()),
            "exit_status": status,
            "meaning": _meaning(status),
            "reason": mask_phones(one_line(summary.reason if summary else _reason(error))),
            "as_planned": summary is not None and summary.is_planned,
            **{name: counts.get(name) for name in _COUNTS},
        }

    def _tell(self, status: int) -> None:
        """A run that found the ledger held says nothing: the switch waits for the other one."""
        heartbeat = self._heartbeat or self._new_heartbeat()
        if heartbeat is None or status == ExitStatus.BUSY:
            return
        is_success = self.summary is not None and self.summary.is_planned
        with unheard():
            heartbeat.end(status, is_success=is_success)
        if heartbeat.problem:
            self._terminal.warn(
                f"warning: alerts.heartbeat_url could not be told: {heartbeat.problem}"
            )

    def _new_heartbeat(self) -> Heartbeat | None:
        return wiring.heartbeat_of(self._settings, run_id=self.run_id, campaign=self.campaign)


def _end(caught: int, _frame: FrameType | None) -> None:
    """TERM and HUP as Ctrl-C: whatever is open is closed in order."""
    sys.exit(128 + caught)


def _meaning(status: int) -> str:
    with suppress(ValueError):
        return EXIT_STATUSES[ExitStatus(status)]
    return ""


def _reason(error: BaseException | None) -> str:
    match error:
        case None:
            return ""
        case CallAgentError():
            return error.message
        case KeyboardInterrupt() | SystemExit():
            return "interrupted before the first call"
        case _:
            return f"a bug in callagent: {type(error).__name__}"
