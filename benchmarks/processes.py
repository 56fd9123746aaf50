"""Child processes: the sides that are measured, and the provider they talk to."""

import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one side took for its work, start-up left out."""

    wall_s: float
    cpu_s: float
    peak_mb: float  # of the whole process


def environment() -> dict[str, str]:
    """This process's, with compiled code allowed and the packages of the checkout."""
    kept = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
    return {**kept, "PYTHONPATH": str(ROOT), "ELEVEN_API_KEY": "key_1"}


_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def side(name: str, *words: str | int | Path, folder: Path, on_terminal: bool = False) -> Cost:
    """Run one side of `benchmarks.sides` in a process of its own.

    folder: where it works. on_terminal: give it a terminal, so that the live view is on.
    """
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".json") as result:
        module = ("-m", "benchmarks.sides")
        command = [sys.executable, *module, result.name, name, *map(str, words)]
        if on_terminal:
            status, said = _on_terminal(command, folder)
        else:
            done = subprocess.run(
                command, cwd=folder, env=environment(), capture_output=True, check=False
            )
            status, said = done.returncode, done.stdout + done.stderr
        if status != 0:
            raise RuntimeError(f"{name} ended with {status}: {said.decode(errors='replace')}")
        return Cost(**json.loads(Path(result.name).read_text()))


def _on_terminal(command: list[str], folder: Path) -> tuple[int, bytes]:
    primary, secondary = pty.openpty()
    environ = {**environment(), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=secondary, stderr=secondary, stdin=secondary
    )
    os.close(secondary)
    said = bytearray()
    reader = threading.Thread(target=_drain, args=(primary, said))
    reader.start()
    status = process.wait()
    reader.join()
    os.close(primary)
    return status, bytes(said)


def _drain(terminal: int, into: bytearray) -> None:
    try:
        while piece := os.read(terminal, 65536):
            into += piece
    except OSError:
        return  # Linux says so when the other side has closed


def wall_s(command: list[str], folder: Path) -> float:
    """The whole life of a process, from before its start to after its end."""
    began_s = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=True)
    return time.perf_counter() - began_s


@contextmanager
def provider(delay_s: float) -> Iterator[str]:
    """The base URL of a provider that thinks `delay_s` seconds before each answer."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.provider", str(delay_s)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
