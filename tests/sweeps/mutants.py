"""Bugs planted on purpose. A proof that misses one of them proves nothing.

Each is planted in the forked run only, by replacing a name of the product; the product's own
files are never touched.
"""

from dataclasses import dataclass

from tests.sweeps.product import Arm


@dataclass(frozen=True, slots=True)
class Mutant:
    what: str  # the bug, as one would tell it
    plant: Arm
    schedules: tuple[str, ...] = ("ok",)
    is_concurrent: bool = False


MUTANTS: dict[str, Mutant] = {}
