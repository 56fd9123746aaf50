"""Kill at a line of the source: the N-th time that it is about to run."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tests.sweeps import product


@dataclass(frozen=True, slots=True)
class LineKill:
    place: str  # `ledger/store.py:120`
    nth: int  # from 1

    def arm(self) -> None:
        seen = 0

        def reached(place: str) -> None:
            nonlocal seen
            if place == self.place:
                seen += 1
                if seen == self.nth:
                    product.die()

        _trace(reached)


class LineCount:
    """Counts how often each line of a run is reached."""

    def __init__(self, report: Path) -> None:
        self.report = report
        self._seen: Counter[str] = Counter()

    def arm(self) -> None:
        _trace(lambda place: self._seen.update((place,)))

    def at_end(self) -> None:
        sys.settrace(None)
        self.report.write_text(json.dumps(self._seen))


def _trace(reached: Callable[[str], None]) -> None:
    """Tell of every line of the swept sources, in every thread from now on."""
    folder = product.package_folder()
    swept = tuple(f"{folder / part}/" for part in product.SOURCES)
    cut = len(str(folder)) + 1

    def in_frame(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            reached(f"{frame.f_code.co_filename[cut:]}:{frame.f_lineno}")
        return in_frame

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        return in_frame if frame.f_code.co_filename.startswith(swept) else None

    threading.settrace(on_call)
    sys.settrace(on_call)
