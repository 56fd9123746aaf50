"""One thing that a checkup found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the campaign works, and not as it should
    PROBLEM = "problem"  # it does not work, or calls whom it should not


@dataclass(frozen=True, slots=True)
class Note:
    room: str  # what was looked at, as `credits`
    level: Level
    what: str
    fix: str = ""  # what to do, with the command to type; empty when nothing is


Look = Callable[[], Iterable[Note]]


@dataclass(frozen=True, slots=True)
class Check:
    """One look into a room; independent of all others."""

    room: str
    look: Look


def ok(room: str, what: str) -> Note:
    return Note(room, Level.OK, what)


def warning(room: str, what: str, fix: str) -> Note:
    return Note(room, Level.WARNING, what, fix)


def problem(room: str, what: str, fix: str) -> Note:
    return Note(room, Level.PROBLEM, what, fix)
