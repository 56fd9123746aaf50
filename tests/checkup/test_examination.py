"""Checks are independent: one that fails, hangs or has a bug hides no other."""

import threading

from callagent_cli.checkup.examination import Examination
from callagent_cli.checkup.note import Check, Level, Note, ok
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import LedgerError


def notes(*checks: Check, limit_s: float = 5.0) -> list[Note]:
    return Examination(checks, SystemClock()).notes(limit_s)


def well(room: str) -> Check:
    return Check(room, lambda: [ok(room, "fine")])


def _bug() -> list[Note]:
    raise KeyError("agent\x1b[2J")


def _refused() -> list[Note]:
    raise LedgerError("it is damaged", hint="mend it")


def test_a_bug_is_a_note_like_any_other() -> None:
    found = notes(well("a"), Check("b", _bug), well("c"))
    assert [note.level for note in found] == [Level.OK, Level.PROBLEM, Level.OK]
    assert "this check itself failed: KeyError" in found[1].what
    assert found[1].what.isprintable()


def test_an_error_of_ours_brings_its_own_advice() -> None:
    assert notes(Check("b", _refused)) == [Note("b", Level.PROBLEM, "it is damaged", "mend it")]


def test_a_check_that_hangs_is_told_and_left_behind() -> None:
    never = threading.Event()

    def hang() -> list[Note]:
        never.wait()
        return []

    found = notes(Check("a", hang), well("b"), limit_s=0.3)
    assert [note.level for note in found] == [Level.PROBLEM, Level.OK]
    assert found[0].what == "no answer within 0.3 s"


def test_checks_are_made_at_the_same_time() -> None:
    met = threading.Barrier(3, timeout=5.0)

    def meet() -> list[Note]:
        met.wait()
        return [ok("x", "met")]

    assert [note.what for note in notes(*[Check("x", meet)] * 3)] == ["met"] * 3


def test_a_check_with_nothing_to_say_is_no_silent_one() -> None:
    assert notes(Check("a", list)) == []
