"""An exception in a gate means no dial: each gate is made to fail, then mended."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

from tests.oracle import checks
from tests.oracle.evidence import read_log
from tests.sweeps.points import Trial
from tests.sweeps.stage import Oracle, Shape, set_up

GATES = (
    "callagent_cli.campaign.agenda:decide",
    "callagent_cli.campaign.runner:decide",
    "callagent_cli.eligibility.do_not_call:DoNotCallGate.refuse",
    "callagent_cli.eligibility.consent:ConsentGate.refuse",
    "callagent_cli.eligibility.number_types:NumberTypeGate.refuse",
    "callagent_cli.eligibility.callback:CallbackGate.refuse",
    "callagent_cli.eligibility.frequency:FrequencyGate.refuse",
    "callagent_cli.eligibility.hours:HoursGate.refuse",
    "callagent_cli.eligibility.hours:HoursGate.evidence",
    "callagent_cli.campaign.limits:RunLimits.reached",
    "callagent_cli.resilience.breaker:Breaker.admits",
    "callagent_cli.ledger.store:Ledger.next_due",
    "callagent_cli.ledger.suppression_book:SuppressionBook._suppressed",
    "callagent_cli.ledger.store:Ledger.claim",
    "callagent_cli.ledger.store:Ledger.begin",
)
ERRORS: tuple[type[Exception], ...] = (ValueError, KeyError, OSError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Gate:
    place: str
    error: type[Exception]

    def fail(self) -> None:
        """In a fork: from now on this gate raises whenever it is asked."""
        module, _, name = self.place.partition(":")
        owner: Any = importlib.import_module(module)
        *parents, last = name.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        getattr(owner, last)  # a gate that is gone must not pass unnoticed

        def broken(*_: object, **__: object) -> Never:
            raise self.error("planted")

        setattr(owner, last, broken)


@dataclass(frozen=True, slots=True)
class Held:
    gate: Gate
    dials: int
    status: int | None
    violations: tuple[str, ...]
    kept: str = ""


def cases() -> list[Gate]:
    return [Gate(place, error) for place in GATES for error in ERRORS]


def hold(gate: Gate, folder: Path, oracle: Oracle, key: str) -> Held:
    """Run with a broken gate, then with a whole one."""
    stage = set_up(folder, oracle, key, Shape())
    broken = Trial(stage, oracle, gate.fail)
    ended = broken.run()
    dials = sum(line["kind"] == "dial" for line in read_log(stage.oracle_log))
    whole = Trial(stage, oracle, lambda: None)
    whole.finish()
    oracle.close_world(key)
    wrong = [what for what in checks.violations(whole.evidence()) if "traceback" not in what]
    if dials:
        wrong.append(f"{dials} dials though {gate.place} failed")
    if ended.status in (0, None):
        wrong.append(f"a run whose {gate.place} failed ended with {ended.status}")
    if not wrong:
        stage.remove()
    return Held(gate, dials, ended.status, tuple(wrong), kept=str(folder) if wrong else "")


def rows(results: Sequence[Held]) -> list[list[str]]:
    table = []
    for place in GATES:
        of_gate = [result for result in results if result.gate.place == place]
        statuses = sorted({str(result.status) for result in of_gate})
        wrong = sum(len(result.violations) for result in of_gate)
        dials = sum(result.dials for result in of_gate)
        name = place.removeprefix("callagent_cli.").replace(":", ".")
        table.append([name, str(len(of_gate)), str(dials), ", ".join(statuses), str(wrong)])
    return table
