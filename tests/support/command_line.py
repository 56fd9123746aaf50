"""`callagent` typed in a folder, as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


Typed = Callable[..., Ended]


def environ(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "COLUMNS": "80", **more}


def words_of(*words: str, program: str = "callagent_cli") -> list[str]:
    return [sys.executable, "-m", program, *words]


def call(folder: Path, *words: str, given: str = "", **more: str) -> Ended:
    """Without a terminal. given: on stdin; `more` is added to the environment."""
    ended = subprocess.run(
        words_of(*words),
        cwd=folder,
        env=environ(**more),
        input=given,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
