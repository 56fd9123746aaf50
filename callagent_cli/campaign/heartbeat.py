"""Tells a dead-man's switch that a run began and how it ended.

Called by: `run`. Invariant: no call waits for it; when it cannot be told, that is said and
changes nothing.
"""

from collections.abc import Callable

from callagent_cli.domain.clock import Clock, Task
from callagent_cli.domain.errors import CallAgentError

_PATIENCE_S = 10.0  # of a run's end, for all that is left to be told


class Heartbeat:
    """ping: tells one signal, empty for success; raises CallAgentError."""

    def __init__(self, ping: Callable[[str], None], clock: Clock) -> None:
        self._ping, self._clock = ping, clock
        self._beginning: Task | None = None
        self.problem = ""  # why it could not be told

    def begin(self) -> None:
        """Returns at once."""
        self._beginning = self._clock.spawn("heartbeat", lambda: self._tell("start"))

    def end(self, exit_status: int, *, is_success: bool) -> None:
        """Returns when it is told, or cannot be told within some seconds."""
        beginning, signal = self._beginning, "" if is_success else str(exit_status)

        def last() -> None:
            if beginning is not None:
                beginning.join()  # a start that comes last would look like a run that hangs
            self._tell(signal)

        if not self._clock.spawn("heartbeat", last).join(_PATIENCE_S):
            self.problem = f"no answer within {_PATIENCE_S:g} s"

    def _tell(self, signal: str) -> None:
        try:
            self._ping(signal)
        except CallAgentError as error:
            self.problem = error.message
