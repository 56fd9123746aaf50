"""Hosts that work from one ledger: a folder each, the real command, a provider that remembers."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracle.at_once import busiest
from tests.oracle.conversations import result_of
from tests.oracle.evidence import Evidence, Row, Snapshot, read_log
from tests.oracle.world import PATIENCE_S
from tests.support.command_line import Ended, call, environ, words_of
from tests.support.postgres import Server
from tests.sweeps.stage import CAMPAIGN, Oracle, Shape, config, contacts, numbers

_KEY = "key_of_a_fleet"
_LOOK_S = 0.1
_UNSETTLED = ("pending", "in_progress", "deferred", "held")


@dataclass(slots=True)
class Fleet:
    """shape: concurrency is the whole fleet's."""

    folder: Path
    server: Server
    oracle: Oracle
    shape: Shape
    url: str = ""  # of the ledger, where it is reached by another way than the server's own
    provider_url: str = ""  # likewise
    more: Mapping[str, Any] = field(default_factory=dict)  # settings
    patience_s: float = PATIENCE_S  # of the provider, with a ledger that is away
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        terms = {
            "schedule": self.shape.schedule,
            "seed": self.shape.seed,
            "log": str(self.folder / "oracle.jsonl"),
            "ledger": self.server.url,
            "patience_s": self.patience_s,
        }
        self.oracle.open_world(_KEY, terms)

    def host(self, name: str) -> Path:
        """Its folder: settings, contacts, and a state_dir of its own."""
        place = self.folder / name
        if not place.exists():
            place.mkdir()
            settings: Any = config(self.provider_url or self.oracle.url, self.shape)
            # a call that nobody reads for a while, because its worker sleeps, rings on
            settings["services"]["elevenlabs"]["ringing_timeout"] = 600
            settings |= self.more
            (place / "config.yml").write_text(json.dumps(settings))
            (place / f"{CAMPAIGN}.csv").write_text(contacts(self.shape))
        return place

    def type(self, name: str, *words: str) -> Ended:
        """On a host, to its end."""
        return call(self.host(name), *words, **self.environ())

    def start(
        self, name: str, *words: str, program: str = "callagent_cli", **more: str
    ) -> "subprocess.Popen[bytes]":
        """On a host, and leave it at work. more: of the environment."""
        place = self.host(name)
        with (place / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                words_of(*words, program=program),
                cwd=place,
                env=environ(**self.environ(), **more),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.processes.append(process)
        return process

    def order(self, *words: str) -> Ended:
        return self.type("office", "run", f"{CAMPAIGN}.csv", "--no-work", "--yes", *words)

    def worker(self, name: str, lanes: int = 4) -> "subprocess.Popen[bytes]":
        return self.start(name, "worker", "--concurrency", str(lanes))

    def output(self, name: str) -> str:
        return (self.host(name) / "output.txt").read_text()

    def totals(self) -> Counter[str]:
        counted = "SELECT state, count(*) FROM callagent.contacts GROUP BY state"
        return Counter({str(state): int(str(n)) for state, n in self.server.execute(counted)})

    def is_settled(self) -> bool:
        totals = self.totals()
        return bool(totals) and not any(totals[state] for state in _UNSETTLED)

    def wait(self, until: Callable[[], bool], within_s: float = 30) -> None:
        """Look until something holds."""
        give_up_s = time.monotonic() + within_s
        while not until():
            if time.monotonic() > give_up_s:
                raise AssertionError(f"not within {within_s:g} s: {dict(self.totals())}")
            time.sleep(_LOOK_S)  # another process is at it: there is no clock of ours to turn

    def log(self) -> tuple[Row, ...]:
        return read_log(self.folder / "oracle.jsonl")

    def dials(self) -> list[Row]:
        return [line for line in self.log() if line["kind"] == "dial"]

    def most_at_once(self) -> int:
        """Calls that were on at the same time, as the provider saw them."""
        return len(busiest(self.log()))

    def evidence(self, kills: int = 0, blinks: Sequence[tuple[float, float]] = ()) -> Evidence:
        """For the checks of the kill sweeps: after one more run, which finds nobody to call."""
        last = self.type("office", "run", f"{CAMPAIGN}.csv", "--yes", "--json", "--no-live")
        wanted = numbers(self.shape)
        files = [*self.folder.rglob("output.txt"), *self.folder.rglob("app.log")]
        return Evidence(
            wanted=tuple(wanted),
            log=self.log(),
            snapshots=(read_server(self.server),),
            statuses=(*[None] * kills, last.status),
            concurrency=self.shape.concurrency,
            blinks=tuple(blinks),
            outputs={str(file): file.read_text() for file in files} | {"run": last.out + last.err},
            secrets=(_KEY, *wanted),
            disposition_of={number: result_of(number) for number in wanted},
        )

    def log_events(self, name: str) -> list[dict[str, Any]]:
        path = self.host(name) / "logs" / "app.log"
        if not path.exists():
            return []  # it has not begun yet
        return [json.loads(line) for line in path.read_text().splitlines()]

    def wait_for_log(
        self, until: Callable[[set[str]], bool], names: str, within_s: float = 30
    ) -> None:
        """Look at the logs alone: the server may be away. until: told the events so far."""
        give_up_s = time.monotonic() + within_s
        while not until({e["event"] for name in names for e in self.log_events(name)}):
            if time.monotonic() > give_up_s:
                raise AssertionError(f"not within {within_s:g} s")
            time.sleep(_LOOK_S)

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.oracle.close_world(_KEY)

    def environ(self) -> dict[str, str]:
        return {
            "CALLAGENT_DATABASE_URL": self.url or self.server.url,
            "ELEVEN_API_KEY": _KEY,
            "NO_COLOR": "1",
            "PATH": os.environ["PATH"],
        }


def read_server(server: Server) -> Snapshot:
    """As `read_ledger` does of a file."""
    return Snapshot(_rows(server, "attempts"), _rows(server, "contacts"))


def _rows(server: Server, table: str) -> tuple[Row, ...]:
    found = server.execute(f"SELECT to_jsonb(t) FROM callagent.{table} t")
    return tuple(dict(row) for (row,) in found)  # type: ignore[call-overload]  # objects
