"""A real PostgreSQL server of the tests' own: a free port, a temporary folder, gone at the end."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.requirements import do_without

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def binary(name: str) -> str | None:
    """The newest of the distribution's, or the one on the path."""
    found = (shutil.which(name, path=str(folder)) for folder in _FOLDERS)
    return next((path for path in found if path), None) or shutil.which(name)


def missing() -> str:
    """Why no server can be started here; empty: it can."""
    if binary("initdb") is None or binary("pg_ctl") is None:
        return "PostgreSQL's server is not installed"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return ""


def require() -> None:
    """Skip, unless CI has asked that nothing be skipped."""
    do_without("postgresql", missing())


@dataclass(frozen=True)
class Server:
    folder: Path
    port: int
    is_durable: bool = False  # tests need no power cut survived

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://tester@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        options += f" -c fsync={'on' if self.is_durable else 'off'} -c max_connections=300"
        self._control("start", "-o", options, "-l", str(self.folder / "log"))

    def stop(self, how: str = "fast") -> None:
        """how: `immediate` is a crash."""
        self._control("stop", "-m", how)

    def kill(self) -> None:
        """With SIGKILL, each of its processes."""
        pids = self._processes()
        _send(signal.SIGKILL, pids)
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            time.sleep(0.02)  # the kernel has them still
        (self.folder / "data" / "postmaster.pid").unlink()

    def freeze(self) -> None:
        _send(signal.SIGSTOP, self._processes())

    def thaw(self) -> None:
        _send(signal.SIGCONT, reversed(self._processes()))

    def _processes(self) -> list[int]:
        """The server's own first, then its children."""
        lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        children = Path(f"/proc/{lines[0]}/task/{lines[0]}/children").read_text().split()
        return [int(pid) for pid in (lines[0], *children)]

    def _control(self, *words: str) -> None:
        run = [str(binary("pg_ctl")), "-D", str(self.folder / "data"), "-w", *words]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL, **_as_nobody_special())

    def wait_until_one_waits(self, within_s: float = 10) -> None:
        """For a lock that somebody else holds."""
        give_up_s = time.monotonic() + within_s
        while self.execute("SELECT 1 FROM pg_locks WHERE NOT granted") == []:
            assert time.monotonic() < give_up_s, "nobody waits for a lock"
            time.sleep(0.02)  # another connection is at it: there is no clock of ours to turn

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="tester", dbname="postgres", autocommit=True
        ) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a connection's process that has just ended
            os.kill(pid, number)


def _as_nobody_special() -> dict[str, Any]:
    """The server refuses to be started by root."""
    if os.geteuid() != 0:
        return {}
    return {"user": _account(), "group": pwd.getpwnam(_account()).pw_gid, "extra_groups": []}


def _account() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def server(*, is_durable: bool = False) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="callagent-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, _account())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = Server(folder, port, is_durable)
    made = [str(binary("initdb")), "-D", str(folder / "data"), "-U", "tester", "--auth=trust"]
    try:
        subprocess.run(
            [*made, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            **_as_nobody_special(),
        )
        started.start()
        try:
            yield started
        finally:
            started.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
