"""The ledger's server as on another host: a network namespace, and a cable that can be pulled.

Unlike a `Proxy` that is cut, a cable that is pulled tells nobody: no reset, no refusal, silence.
The namespace holds a relay to the server's own socket in the file system. Needs root and `ip`.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import Server
from tests.support.requirements import do_without

_PORT = 5432
_ADDRESS = "02:00:00:00:77:02"
_HERE, _THERE = "169.254.77.1", "169.254.77.2"  # between the two ends of the cable alone


def require() -> None:
    """Skip, unless CI has asked that nothing be skipped."""
    why = ""
    if shutil.which("ip") is None:
        why = "`ip` (iproute2) is not installed"
    elif os.geteuid() != 0:
        why = "only root can make a network namespace"
    elif subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        why = "network namespaces are not to be had here"
    do_without("namespaces", why)


@dataclass(frozen=True)
class FarHost:
    """The far end is pulled: at the near one nothing is missed, and nothing arrives."""

    name: str
    cable: str

    url = f"postgresql+psycopg://tester@{_THERE}:{_PORT}/postgres"

    def pull(self) -> None:
        _ip("-n", self.name, "link", "set", self.cable, "down")

    def plug(self) -> None:
        _ip("-n", self.name, "link", "set", self.cable, "up")


@contextmanager
def far_host(server: Server) -> Iterator[FarHost]:
    name = f"ca{os.getpid()}"
    near, far = f"{name}a", f"{name}b"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _ip("addr", "add", f"{_HERE}/30", "dev", near)
        _ip("link", "set", near, "up")
        # known for good, as behind a router: nobody is told that nobody answers for it
        _ip("neigh", "replace", _THERE, "lladdr", _ADDRESS, "nud", "permanent", "dev", near)
        _ip("-n", name, "addr", "add", f"{_THERE}/30", "dev", far)
        _ip("-n", name, "link", "set", far, "address", _ADDRESS)
        _ip("-n", name, "link", "set", far, "up")
        words = [sys.executable, "-m", __name__, str(server.folder / f".s.PGSQL.{server.port}")]
        relay = subprocess.Popen(
            ["ip", "netns", "exec", name, *words],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        try:
            assert relay.stdout is not None
            assert relay.stdout.readline() == b"listening\n"
            yield FarHost(name, far)
        finally:
            relay.kill()
            relay.communicate()
    finally:
        _ip("netns", "del", name)  # and with it both ends of the cable


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


async def _relay(path: str) -> None:
    async def take(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        try:
            far_in, far_out = await asyncio.open_unix_connection(path)
        except OSError:
            near_out.close()
            return
        await asyncio.gather(_pass_on(near_in, far_out), _pass_on(far_in, near_out))

    server = await asyncio.start_server(take, _THERE, _PORT, family=socket.AF_INET)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


if __name__ == "__main__":
    asyncio.run(_relay(sys.argv[1]))
