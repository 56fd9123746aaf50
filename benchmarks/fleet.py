"""A fleet, measured: `python -m benchmarks.fleet --write docs/performance.md`. Needs PostgreSQL.

Workers are the real command, each in a folder of its own; the server is the distribution's, with
every commit on the disk; the provider is a process that thinks before it answers. All of them
share this machine. Rates are counted in the server, from a moment when all workers are at it.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Target, paired, table
from benchmarks.machine import described
from benchmarks.processes import environment, provider
from callagent_cli.domain.call import Claim
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import ContactState
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.fleet_records import Order
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from tests.support.postgres import Server, server

_BLOCK = re.compile(r"(<!-- figures: fleet -->\n).*?(\n<!-- end -->)", re.DOTALL)
_REQUESTS_A_CALL = 2
_POLL_S = 0.01  # from the dial to the first look at the call
_LOOK_S = 0.05
_RUN = "run_of_the_bench"
_LATER = 1_000_000  # position of the first who is due later
_MANY = (10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Sizes:
    seconds: float  # that a rate is counted for
    rounds: int
    workers: tuple[int, ...]
    lanes: int  # of the whole fleet
    contacts: tuple[int, ...]
    warm_up: int  # contacts a worker, before anything is counted


FULL = Sizes(5.0, 3, (1, 2, 4, 8), 4, _MANY, 20)
QUICK = Sizes(0.5, 1, (1, 2), 2, (200, 400), 2)


class Bench:
    """One ledger on one server, and workers at it."""

    def __init__(self, folder: Path, database: Server, url: str, sizes: Sizes) -> None:
        self.folder, self.server, self._provider = folder, database, url
        self.lanes, self._warm_up = sizes.lanes, sizes.warm_up
        self.processes: list[subprocess.Popen[bytes]] = []

    def empty(self, contacts: int) -> None:
        """A new ledger with one campaign of so many people, ordered."""
        self.stop()
        for old in self.folder.glob("host-*"):
            shutil.rmtree(old)
        self.server.execute("DROP SCHEMA IF EXISTS callagent CASCADE")
        place = self._host("office")
        (place / "first.csv").write_text("phone\n+12025550100\n")
        self._type(place, "run", "first.csv", "--campaign", "people", "--no-work", "--yes")
        self.server.execute(
            "INSERT INTO callagent.contacts SELECT 'people', '+1212' || lpad(n::text, 7, '0'), "
            "'c' || n, '', '', '', '', NULL, '{}', n, n + 1, 'pending', '', '', false, NULL "
            f"FROM generate_series(1, {contacts - 1}) n"
        )
        self.server.execute("VACUUM (ANALYZE)")
        self.server.execute("CHECKPOINT")  # what it wrote so far is not this measurement's

    def start(self, workers: int) -> None:
        for n in range(workers):
            place = self._host(f"host-{n}")
            words = ("worker", "--concurrency", str(self.lanes))
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "callagent_cli", *words],
                    cwd=place,
                    env=self._environ(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        working = "SELECT count(*) FROM callagent.crew WHERE state = 'working' AND role = 'worker'"
        self.wait(lambda: self._number(working) >= workers)
        begun = self.done()
        self.wait(lambda: self.done() >= begun + self._warm_up * workers)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def done(self) -> int:
        return self._number("SELECT count(*) FROM callagent.attempts WHERE state = 'completed'")

    def rate(self, seconds: float) -> float:
        """Contacts a second."""
        before, began_s = self.done(), time.perf_counter()
        time.sleep(seconds)
        after, took_s = self.done(), time.perf_counter() - began_s
        return (after - before) / took_s

    def wait(self, until: Callable[[], bool], within_s: float = 60.0) -> None:
        give_up_s = time.monotonic() + within_s
        while not until():
            if time.monotonic() > give_up_s:
                raise RuntimeError("the fleet does not get on")
            time.sleep(_LOOK_S)

    def cpu_s(self) -> float:
        """Of all workers so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        spent = 0.0
        for process in self.processes:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / ticks
        return spent

    def commits(self) -> int:
        return self._number("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'")

    def ledger(self) -> Ledger:
        url = self.server.url
        return Ledger.open(self._host("office") / "state", clock=SystemClock(), url=url)

    def status_s(self) -> float:
        began_s = time.perf_counter()
        self._type(self._host("office"), "status", "--json")
        return time.perf_counter() - began_s

    def number(self, sql: str) -> int:
        return self._number(sql)

    def _number(self, sql: str) -> int:
        return int(str(self.server.execute(sql)[0][0]))

    def _host(self, name: str) -> Path:
        place = self.folder / name
        if not place.exists():
            place.mkdir()
            (place / "config.yml").write_text(json.dumps(self._config()))
        return place

    def _config(self) -> dict[str, object]:
        voice = {
            "base_url": self._provider,
            "agent_id": "agent_1",
            "agent_phone_number_id": "phnum_1",
            "telephony": "twilio",
            "poll_interval": _POLL_S,
        }
        campaign = {"concurrency": self.lanes, "calling_window": None}
        services = {"elevenlabs": voice}
        return {"provider": "elevenlabs", "services": services, "campaign": campaign}

    def _environ(self) -> dict[str, str]:
        return {**environment(), "CALLAGENT_DATABASE_URL": self.server.url}

    def _type(self, place: Path, *words: str) -> None:
        command = [sys.executable, "-m", "callagent_cli", *words]
        done = subprocess.run(
            command, cwd=place, env=self._environ(), capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace"))


@contextmanager
def _bench(folder: Path, database: Server, delay_s: float, sizes: Sizes) -> Iterator[Bench]:
    with provider(delay_s) as url, tempfile.TemporaryDirectory(dir=folder) as place:
        bench = Bench(Path(place), database, url, sizes)
        try:
            yield bench
        finally:
            bench.stop()


def rates(sizes: Sizes, folder: Path, database: Server) -> Iterator[Figure]:
    """Each round measures every number of workers, one after the other."""
    for delay_s in (0.05, 0.0):
        told: dict[int, list[float]] = {n: [] for n in sizes.workers}
        with _bench(folder, database, delay_s, sizes) as bench:
            for _ in range(sizes.rounds):
                for workers in sizes.workers:
                    bench.empty(max(2000, int(sizes.seconds * 400)))
                    bench.start(workers)
                    told[workers].append(bench.rate(sizes.seconds))
        ideal = sizes.lanes / (_REQUESTS_A_CALL * delay_s + _POLL_S) if delay_s else None
        for workers, rounds in told.items():
            yield _rate(workers, median(rounds), delay_s, ideal, is_last=workers == max(told))


def _rate(
    workers: int, rate: float, delay_s: float, ideal: float | None, *, is_last: bool
) -> Figure:
    named = f"{workers} {'worker' if workers == 1 else 'workers'}"
    what = f"contacts a second, {named}, provider answers in {1000 * delay_s:.0f} ms"
    if ideal is None:
        return Figure(what, f"{rate:.0f}")
    share = rate / ideal
    target = Target("≥ 85% of ideal", share, 0.85, is_floor=True) if is_last else None
    return Figure(what, f"{rate:.1f}", f"ideal {ideal:.1f}", f"{share:.2f}", target)


def waits(sizes: Sizes, folder: Path, database: Server) -> Iterator[Figure]:
    """From due to dial, and what a fleet costs that has nothing to do."""
    with _bench(folder, database, 0.0, sizes) as bench:
        bench.empty(5 * sizes.warm_up * max(sizes.workers))
        bench.start(min(4, max(sizes.workers)))
        pending = "SELECT count(*) FROM callagent.contacts WHERE state <> 'completed'"
        tries = max(1, sizes.rounds * 4)
        _add_for_later(bench, tries)
        bench.wait(lambda: bench.number(pending) == tries)
        told_ms = []
        for n in range(tries):
            time.sleep(0.5)
            done = bench.done()
            bench.server.execute(
                "SET search_path TO callagent; UPDATE contacts SET state = 'pending', "
                f"due_at = '' WHERE campaign = 'people' AND position = {_LATER + n}"
            )
            due_s = time.time()
            bench.wait(lambda done=done: bench.done() > done)  # type: ignore[misc]
            told_ms.append(1000 * (_last_dial(bench) - due_s))
        yield Figure("from due to dial, an idle fleet", f"{median(told_ms):.0f} ms")
        before = (bench.cpu_s(), bench.commits(), time.perf_counter())
        time.sleep(max(2.0, sizes.seconds))
        took_s = time.perf_counter() - before[2]
        cpu = (bench.cpu_s() - before[0]) / took_s / len(bench.processes)
        commits = (bench.commits() - before[1]) / took_s / len(bench.processes)
        yield Figure("an idle worker: share of one core", f"{cpu:.1%}")
        yield Figure("an idle worker: transactions a second", f"{commits:.0f}")


def _add_for_later(bench: Bench, people: int) -> None:
    bench.server.execute(
        "INSERT INTO callagent.contacts SELECT 'people', '+1213999' || lpad(n::text, 4, '0'), "
        f"'later' || n, '', '', '', '', NULL, '{{}}', {_LATER} + n, {_LATER} + n, 'deferred', "
        f"'2099-01-01T00:00:00.000000+00:00', '', false, NULL FROM generate_series(0, {people}) n"
    )
    bench.server.execute(f"DELETE FROM callagent.contacts WHERE position = {_LATER + people}")


def _last_dial(bench: Bench) -> float:
    found = bench.server.execute(
        "SELECT extract(epoch FROM max(started_at)::timestamptz) FROM callagent.attempts"
    )
    return float(str(found[0][0]))


def growth(sizes: Sizes, folder: Path, database: Server) -> Iterator[Figure]:
    """The same work in a larger and a larger ledger; each round measures every size."""
    took_ms: dict[int, list[float]] = {contacts: [] for contacts in sizes.contacts}
    with _bench(folder, database, 0.0, sizes) as bench:
        for _ in range(sizes.rounds):
            for contacts in sizes.contacts:
                bench.empty(contacts)
                bench.start(2)
                took_ms[contacts].append(1000 / bench.rate(sizes.seconds))
                bench.stop()
        yield from _grown(took_ms)
        status_s = median(bench.status_s() for _ in range(max(1, sizes.rounds)))
        yield Figure(f"`status`, {sizes.contacts[-1]:,} contacts", f"{status_s:.2f} s")
        yield _turns(bench, sizes)


def _grown(took_ms: dict[int, list[float]]) -> Iterator[Figure]:
    few = min(took_ms)
    for contacts, rounds in took_ms.items():
        ratio = paired(rounds, took_ms[few])
        yield Figure(
            f"a contact, of {contacts:,} in the ledger, 2 workers",
            f"{median(rounds):.1f} ms",
            f"{median(took_ms[few]):.1f} ms",
            f"{ratio:.2f}",
            Target("≤ 1.1", ratio, 1.1) if contacts != few else None,
        )


def _turns(bench: Bench, sizes: Sizes) -> Figure:
    """One process, nobody beside it: what a hand does between a job and the intent to dial."""
    waiting = (
        "SELECT position FROM callagent.contacts WHERE campaign = 'people' AND state = 'pending' "
        "ORDER BY position DESC LIMIT 50"
    )
    # calls that the workers left when they were stopped have lines
    bench.server.execute("UPDATE callagent.orders SET lanes = 1000, lanes_now = 1000")
    positions = [int(str(position)) for (position,) in bench.server.execute(waiting)]
    took_ms = []
    with bench.ledger() as ledger:
        fleet = ledger.fleet()
        order = fleet.order("people")
        if order is None:
            raise RuntimeError("nothing is ordered")
        about = {"role": "worker", "order_id": order.order_id, "version": "", "lanes": 1}
        with fleet.join("people", _RUN, **about):  # type: ignore[arg-type]  # each as it is there
            for position in positions:
                began_s = time.perf_counter()
                claim = _turn(fleet, order, position)
                took_ms.append(1000 * (time.perf_counter() - began_s))
                ledger.release(claim, NextStep(ContactState.PENDING))
    return Figure(
        f"contact of a job looked at, its turn taken, {sizes.contacts[-1]:,} contacts",
        f"{median(took_ms):.1f} ms",
    )


def _turn(fleet: Fleet, order: Order, position: int) -> Claim:
    candidate = fleet.contact_at(order.campaign, position, SystemClock().now())
    if candidate is None:
        raise RuntimeError("nobody is due")
    turn = fleet.take_turn(
        candidate,
        campaign=order.campaign,
        order_id=order.order_id,
        run_id=_RUN,
        pace_s=0.0,
        since=None,
        reached=lambda _: None,
        is_hopeful=True,
    )
    if not isinstance(turn, Claim):
        raise TypeError(turn)
    return turn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="show that all of it runs")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, help="of each rate (3)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table there")
    given = parser.parse_args()
    sizes = QUICK if given.quick else replace(FULL, rounds=given.rounds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        database = stack.enter_context(server(is_durable=True))
        about = described(folder)
        figures = []
        for part in (rates, waits, growth):
            for figure in part(sizes, folder, database):
                print(" | ".join(figure.cells()), flush=True)
                figures.append(figure)
    about += f"; {sizes.lanes} calls at once; {sizes.rounds} of each rate"
    text = f"\n{about}\n\n{table(figures)}\n"
    print(text)
    if given.write:
        page = given.write.read_text()
        given.write.write_text(_BLOCK.sub(lambda block: f"{block[1]}{text}{block[2]}", page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
