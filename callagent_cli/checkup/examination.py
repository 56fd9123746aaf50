"""All checks at once, and none for long.

Invariant: a check that fails, hangs or has a bug is a note like any other and keeps no other
from its answer.
"""

import queue
from collections.abc import Callable, Sequence

from callagent_cli.checkup.note import Check, Note, problem
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import CallAgentError
from callagent_cli.domain.text import one_line

LIMIT_S = 20.0  # longer than any one request of a check may take
_GLANCE_S = 0.05

Answers = queue.SimpleQueue[tuple[int, list[Note]]]


class Examination:
    """Begins when it is made: each check in a thread of its own."""

    def __init__(self, checks: Sequence[Check], clock: Clock) -> None:
        self._checks, self._clock = checks, clock
        self._answers: Answers = queue.SimpleQueue()
        for number, check in enumerate(checks):
            clock.spawn(f"check-{check.room}", self._body(number, check))

    def notes(self, limit_s: float = LIMIT_S) -> list[Note]:
        """In the checks' order, when all have answered or `limit_s` seconds from now are over."""
        found: dict[int, list[Note]] = {}
        deadline_s = self._clock.monotonic() + limit_s
        while len(found) < len(self._checks) and self._clock.monotonic() < deadline_s:
            try:
                number, notes = self._answers.get(timeout=_GLANCE_S)
            except queue.Empty:
                continue
            found[number] = notes
        return [
            note
            for number, check in enumerate(self._checks)
            for note in found.get(number, [_silent(check, limit_s)])
        ]

    def _body(self, number: int, check: Check) -> Callable[[], None]:
        return lambda: self._answers.put((number, answered(check)))


def answered(check: Check) -> list[Note]:
    try:
        return list(check.look())
    except CallAgentError as error:
        return [problem(check.room, one_line(error.message), error.hint or _AGAIN)]
    except Exception as error:  # noqa: BLE001 - one check's bug must not hide the others' answers
        said = one_line(f"{type(error).__name__}: {error}", 200)
        return [problem(check.room, f"this check itself failed: {said}", _AGAIN)]


_AGAIN = "give `callagent doctor` again; if it stays, look at this by hand"


def _silent(check: Check, limit_s: float) -> Note:
    fix = "see whether the network lets it through, then give `callagent doctor` again"
    return problem(check.room, f"no answer within {limit_s:g} s", fix)
