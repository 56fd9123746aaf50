"""Kill, or fail, at a system call: strace takes hold of a forked run and injects.

Only calls that can matter are counted: those on the campaign's own files and on its sockets.
"""

import re
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sweeps.product import Ended, Run

_ON_FILES = ("pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "openat", "rename")
_ON_SOCKETS = ("sendto", "recvfrom", "connect")
CALLS = (*_ON_FILES, "mkdir", "flock", *_ON_SOCKETS)
WRITES = (*_ON_FILES, "mkdir")
_LINE = re.compile(r"^(?P<thread>\d+) +(?:[\d.]+ )?(?P<call>\w+)\((?P<rest>.*)$")


@dataclass(frozen=True, slots=True)
class CallKill:
    call: str
    nth: int  # from 1, per thread, as strace counts

    @property
    def injection(self) -> str:
        return f"{self.call}:signal=SIGKILL:when={self.nth}"


@dataclass(frozen=True, slots=True)
class CallFailure:
    call: str
    nth: int
    error: str  # EIO, ENOSPC

    @property
    def injection(self) -> str:
        return f"{self.call}:error={self.error}:when={self.nth}"


@dataclass(frozen=True, slots=True)
class Seen:
    """One system call of a traced run."""

    call: str
    nth: int  # of its kind, in its thread
    rest: str  # arguments and result, file descriptors with their paths


def attach(
    pid: int, trace: Path, calls: Sequence[str], injection: str = ""
) -> subprocess.Popen[bytes]:
    """Let strace take hold of a waiting process, and return when it has.

    Never with --seccomp-bpf: injection then silently does nothing.
    """
    command = ["strace", "-f", "-q", "-y", "-ttt", "-s", "8", "-o", str(trace), "-p", str(pid)]
    command += ["-e", f"trace={','.join(calls)}", "-e", "signal=none"]
    if injection:
        command += ["-e", f"inject={injection}"]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    status = Path(f"/proc/{pid}/status")
    deadline = time.monotonic() + 10
    while "TracerPid:\t0\n" in status.read_text():
        if tracer.poll() is not None or time.monotonic() > deadline:
            problem = tracer.stderr.read().decode() if tracer.stderr else ""
            raise RuntimeError(f"strace could not attach: {problem}")
        time.sleep(0.002)
    return tracer


def traced(run: Run, trace: Path, injection: str = "") -> Ended:
    """Let a gated run go, under strace's eyes."""
    tracer = attach(run.pid, trace, CALLS, injection)
    run.go()
    ended = run.wait()
    tracer.communicate()
    return ended


def seen_in(trace: Path, folder: Path) -> list[Seen]:
    """Return the calls of a trace that touch the campaign's folder or a socket."""
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        counts[match["thread"], match["call"]] += 1
        rest = with_whole_paths(match["rest"], folder)
        if str(folder) in rest or re.match(r"\d+<(socket|TCP)", rest):
            found.append(Seen(match["call"], counts[match["thread"], match["call"]], rest))
    return found


def with_whole_paths(rest: str, folder: Path) -> str:
    """Spell out paths that are relative to the campaign's folder, where runs are at home."""
    here = r"AT_FDCWD<[^>]*>, "
    return re.sub(here, "", re.sub(here + '"(?!/)', f'"{folder}/', rest))
