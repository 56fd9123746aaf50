"""`callagent` whose deliveries are told slowly: listeners are still at it when the run ends.

The telling goes on after a moment, or as soon as the alerts have been flushed, which must not come
first.
"""

import threading
from typing import Any

import pytest

from callagent_cli.domain.event import Event, EventName
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.events.emitter import Emitter

_MOMENT_S = 0.5
_flushed = threading.Event()


def _tell_slowly(event: Event) -> None:
    if event.name is EventName.DELIVERY_SENT:
        _flushed.wait(_MOMENT_S)


def _be_slow() -> None:
    init, flush = Emitter.__init__, AlertDesk.flush

    def begin(self: Emitter, *given: Any, **more: Any) -> None:
        init(self, *given, **more)
        self.listen(_tell_slowly)

    def flush_and_say(self: AlertDesk, timeout_s: float) -> None:
        flush(self, timeout_s)
        _flushed.set()

    patch = pytest.MonkeyPatch()
    patch.setattr(Emitter, "__init__", begin)
    patch.setattr(AlertDesk, "flush", flush_and_say)


if __name__ == "__main__":
    _be_slow()
    from callagent_cli.__main__ import main

    main()
