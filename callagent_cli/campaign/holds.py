"""Breakers that a person holds open, from another process: heeded within a second.

Called by: the session, and whoever delivers without a run. Invariant: only what was held here is
let go here; a service that refuses us stays shut.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from callagent_cli.domain.clock import Signal
from callagent_cli.domain.errors import LedgerError
from callagent_cli.domain.hold import Hold


class Holdable(Protocol):
    """A breaker."""

    service: str

    def hold_open(self, said: str) -> None: ...

    def let_go(self) -> None: ...


class HoldWatch:
    """read: raises LedgerError. every_s: on the run's clock; None looks at the beginning only,
    for a clock that jumps."""

    def __init__(
        self,
        breakers: Sequence[Holdable],
        read: Callable[[], Sequence[Hold]],
        *,
        over: Signal,
        every_s: float | None,
    ) -> None:
        self._breakers, self._read = tuple(breakers), read
        self._over, self._every_s = over, every_s

    def heed(self) -> None:
        """A ledger that cannot be asked now changes nothing."""
        with suppress(LedgerError):
            held = {hold.service: hold for hold in self._read()}
            for breaker in self._breakers:
                if hold := held.get(breaker.service):
                    breaker.hold_open(str(hold))
                else:
                    breaker.let_go()

    def run(self) -> None:
        """The body of a background task; ends with the run."""
        while self._every_s is not None and not self._over.wait(self._every_s):
            self.heed()
