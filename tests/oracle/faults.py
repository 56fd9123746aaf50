"""How the provider answers a dial: the modes, and the schedules that mix them.

A mode is fixed by the number that is called, never by the order of the calls, so that a campaign
that was killed and resumed meets the same provider as one that was not.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to answer a dial.

    `rings`: the phone rings. `answer`: what the caller gets to see. `times`: how many dials of a
    number get it; later ones are answered `ok`. `hidden`: look-ups before the call is listed.
    `rows`: how often a list shows it. `is_clear_no`: the answer shows that nobody was called.
    """

    name: str
    rings: bool
    answer: str
    times: int = 1_000_000
    hidden: int = 0
    rows: int = 1
    delay_s: float = 0.0
    is_clear_no: bool = False


_ALL = (
    Mode("ok", rings=True, answer="placed"),
    Mode("slow", rings=True, answer="placed", delay_s=0.5),
    Mode("reset", rings=True, answer="reset"),
    Mode("500", rings=True, answer="500"),
    Mode("cut", rings=True, answer="cut"),
    Mode("html", rings=True, answer="html"),
    Mode("null", rings=True, answer="null"),
    Mode("lag", rings=True, answer="reset", hidden=1),
    Mode("buried", rings=True, answer="reset", hidden=1_000_000),
    Mode("dup", rings=True, answer="reset", rows=2),
    Mode("lost", rings=False, answer="reset"),
    Mode("timeout", rings=True, answer="timeout", delay_s=3.0),
    Mode("307", rings=False, answer="307"),
    Mode("503-rang", rings=True, answer="503"),
    Mode("503", rings=False, answer="503", times=1, is_clear_no=True),
    Mode("429", rings=False, answer="429", times=1, is_clear_no=True),
    Mode("429-after", rings=False, answer="429-after", times=1, is_clear_no=True),
    Mode("refused", rings=False, answer="refused", is_clear_no=True),
)
MODES = {mode.name: mode for mode in _ALL}
MIXED = (
    "ok",
    "reset",
    "500",
    "cut",
    "html",
    "null",
    "503",
    "429",
    "lag",
    "dup",
    "refused",
    "lost",
)


def mode_of(schedule: str, phone: str, seed: int) -> Mode:
    """Return the mode of a number: two of three get the schedule's fault, the third is well.

    `mix` deals out all faults. A schedule that ends in `!` spares nobody.
    """
    turn = int(phone[-2:]) + seed
    if schedule == "mix":
        return MODES[MIXED[turn % len(MIXED)]]
    if schedule.endswith("!"):
        return MODES[schedule[:-1]]
    return MODES[schedule if turn % 3 else "ok"]
