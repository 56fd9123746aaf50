"""A fleet in a storm: workers killed and suspended, the server crashed, frozen and rid of its
queue, the provider away for a while. Checked by the oracle of the kill sweeps.

    python -m tests.sweeps.storm --contacts 1000 --workers 4 --seed 1

Prints what happened and what was found. Exits 1 when a promise was broken. Needs PostgreSQL.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.oracle import checks
from tests.oracle.at_once import Span, busiest
from tests.support import postgres
from tests.support.fleet import Fleet, read_server
from tests.support.inbox import Inbox
from tests.support.proxy import Proxy
from tests.sweeps.stage import Oracle, Shape

_LOOK_S = 0.1
_SLEEPS_S = (0.5, 3.0, 40.0)  # a hiccup, a swap, and a silence that is taken for death
_OFTEN = (10, 4, 1)  # so that most of the time somebody is awake
_FREEZES_S = (2.0, 8.0)
_AWAY_S = 6.0
_LOOKS_FOR_S = 1.0  # into the ledger, at a dial: a frozen ledger is no outage of the provider


@dataclass(frozen=True, slots=True)
class Weather:
    contacts: int
    workers: int
    lanes: int
    seed: int
    every_s: float = 1.0  # between two blows at a worker
    restarts: int = 2  # of the database, after a crash or SIGKILL
    freezes: int = 1  # of the database, for a few seconds
    queues: int = 1  # emptied: jobs that wait and jobs that are in hand
    outages: int = 1  # of the provider
    schedule: str = "slow!"
    within_s: float = 600.0


@dataclass(slots=True)
class Storm:
    """What came down, and what was found afterwards."""

    weather: Weather
    kills: int = 0
    sleeps: int = 0
    restarts: int = 0
    freezes: int = 0
    queues: int = 0
    outages: int = 0
    blinks: list[tuple[float, float]] = field(default_factory=list)  # of the database, monotonic
    seconds: float = 0.0
    at_once: list[Span] = field(default_factory=list)  # the calls that were on when most were
    alerts: Counter[str] = field(default_factory=Counter)  # that a person got, by title
    in_doubt: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.weather.contacts} contacts, {self.weather.workers} workers, seed "
            f"{self.weather.seed}: {self.kills} kills, {self.sleeps} suspensions, "
            f"{self.restarts} restarts and {self.freezes} freezes of the database, "
            f"{self.queues} losses of the queue, {self.outages} outage of the provider; "
            f"{self.seconds:.0f} s, at most {len(self.at_once)} of {self.weather.lanes} calls at "
            f"once, {self.in_doubt} in doubt, alerts {dict(self.alerts)}"
        )


class _Crew:
    """The workers' processes; whoever is killed is started anew."""

    def __init__(self, fleet: Fleet, weather: Weather, rng: random.Random) -> None:
        self._fleet, self._rng = fleet, rng
        self._lanes = -(-weather.lanes // weather.workers) + 1  # together more than may call
        self._names = [f"host-{n}" for n in range(weather.workers)]
        self._at_work: dict[str, subprocess.Popen[bytes]] = {}
        self._wakes_at_s: dict[str, float] = {}
        self._has_struck = False

    def keep_up(self) -> None:
        """As systemd does: whoever has ended is started."""
        for name in self._names:
            process = self._at_work.get(name)
            if process is None or process.poll() is not None:
                self._at_work[name] = self._fleet.worker(name, self._lanes)
        for name, at_s in list(self._wakes_at_s.items()):
            if time.monotonic() >= at_s:
                self.wake(name)

    def strike(self) -> str:
        """Kill or suspend one; returns which it was. The first is killed: a short storm would
        else be one without a kill now and then."""
        name = self._rng.choice([n for n in self._names if n not in self._wakes_at_s] or ["-"])
        if name == "-":
            return "nobody"
        process = self._at_work[name]
        is_kill = self._rng.random() < 0.6 or not self._has_struck
        self._has_struck = True
        if is_kill:
            process.kill()
            process.wait()
            return "kill"
        process.send_signal(signal.SIGSTOP)
        self._wakes_at_s[name] = time.monotonic() + self._rng.choices(_SLEEPS_S, _OFTEN)[0]
        return "sleep"

    def wake(self, name: str) -> None:
        del self._wakes_at_s[name]
        if self._at_work[name].poll() is None:
            self._at_work[name].send_signal(signal.SIGCONT)

    def calm_down(self) -> None:
        for name in list(self._wakes_at_s):
            self.wake(name)


def blow(weather: Weather, folder: Path, server: postgres.Server) -> Storm:
    """One storm over one campaign, in an empty ledger."""
    rng, storm = random.Random(weather.seed), Storm(weather)
    shape = Shape(
        weather.schedule, weather.seed, weather.contacts, weather.lanes, failure_threshold=4
    )
    with ExitStack() as stack:
        inbox = stack.enter_context(Inbox())
        oracle = Oracle()
        provider = Proxy(int(oracle.url.rsplit(":", 1)[1]))
        stack.callback(provider.close)
        told = {"alerts": {"webhook": {"enabled": True, "url": f"{inbox.url}/told"}}}
        url = f"http://127.0.0.1:{provider.port}"
        fleet = Fleet(
            folder,
            server,
            oracle,
            shape,
            provider_url=url,
            more=told,
            patience_s=_LOOKS_FOR_S,
        )
        stack.callback(fleet.end)
        fleet.order()
        _live_through(storm, fleet, provider, rng)
        storm.at_once = busiest(fleet.log())
        storm.in_doubt = fleet.totals()["needs_review"]
        (folder / "attempts.json").write_text(json.dumps(read_server(server).attempts, indent=1))
        evidence = fleet.evidence(
            kills=storm.kills + storm.sleeps + storm.restarts + storm.freezes,
            blinks=storm.blinks,
        )
        storm.alerts = Counter(str(letter.body.get("title", "")) for letter in inbox.letters)
        storm.wrong += checks.violations(evidence)
        storm.wrong += _of_a_fleet(storm)
    return storm


def _live_through(storm: Storm, fleet: Fleet, provider: Proxy, rng: random.Random) -> None:
    weather, began_s = storm.weather, time.monotonic()
    crew, parts = _Crew(fleet, weather, rng), _Parts(storm, fleet, provider, rng)
    crew.keep_up()
    blow_at_s = began_s + weather.every_s
    while time.monotonic() - began_s < weather.within_s:
        time.sleep(_LOOK_S)
        crew.keep_up()
        parts.mend()
        left = fleet.totals()["pending"]
        if fleet.is_settled():
            break
        if time.monotonic() >= blow_at_s and left:
            blow_at_s = time.monotonic() + weather.every_s
            _count(storm, crew.strike())
        parts.break_one(left)
    provider.mend()
    crew.calm_down()
    storm.seconds = time.monotonic() - began_s
    fleet.wait(fleet.is_settled, within_s=90)


class _Parts:
    """What the workers depend on, and when each of it breaks: spread over the campaign."""

    def __init__(self, storm: Storm, fleet: Fleet, provider: Proxy, rng: random.Random) -> None:
        self._storm, self._fleet, self._provider, self._rng = storm, fleet, provider, rng
        weather = storm.weather
        self._ahead: list[Callable[[], None]] = [
            *[self._restart] * weather.restarts,
            *[self._freeze] * weather.freezes,
            *[self._lose_queue] * weather.queues,
            *[self._outage] * weather.outages,
        ]
        rng.shuffle(self._ahead)
        self._share = weather.contacts / (len(self._ahead) + 1)
        self._back_at_s = float("inf")

    def mend(self) -> None:
        if time.monotonic() >= self._back_at_s:
            self._provider.mend()
            self._back_at_s = float("inf")

    def break_one(self, left: int) -> None:
        """left: contacts that nobody has called yet."""
        is_due = self._ahead and left < self._share * len(self._ahead)
        if is_due and self._back_at_s == float("inf"):
            self._ahead.pop()()

    def _restart(self) -> None:
        self._storm.restarts += 1
        with self._away():
            if self._rng.random() < 0.5:
                self._fleet.server.stop("immediate")
            else:
                self._fleet.server.kill()
            self._fleet.server.start()

    def _freeze(self) -> None:
        self._storm.freezes += 1
        with self._away():
            self._fleet.server.freeze()
            time.sleep(self._rng.choice(_FREEZES_S))
            self._fleet.server.thaw()

    @contextmanager
    def _away(self) -> Iterator[None]:
        began_s = time.monotonic()
        yield
        self._storm.blinks.append((began_s, time.monotonic()))

    def _lose_queue(self) -> None:
        self._storm.queues += 1
        self._fleet.server.execute("SET search_path TO callagent; DELETE FROM procrastinate_jobs")

    def _outage(self) -> None:
        self._storm.outages += 1
        self._provider.cut()
        self._back_at_s = time.monotonic() + _AWAY_S


def _count(storm: Storm, blow: str) -> None:
    storm.kills += blow == "kill"
    storm.sleeps += blow == "sleep"


def _of_a_fleet(storm: Storm) -> list[str]:
    wrong = []
    if (on := len(storm.at_once)) > storm.weather.lanes:
        wrong.append(f"{on} calls at once of {storm.weather.lanes} allowed:")
        wrong += [f"  {span}" for span in storm.at_once]
    down = sum(n for title, n in storm.alerts.items() if title.startswith("elevenlabs is down"))
    # never twice; none where no worker lived long enough to see enough requests fail
    if down > storm.outages:
        wrong.append(f"{down} alerts for {storm.outages} outage")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sweeps.storm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--lanes", type=int, default=20, help="calls at once, of all together")
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--freezes", type=int, default=1)
    parser.add_argument("--queues", type=int, default=1, help="how often the queue is lost")
    parser.add_argument("--outages", type=int, default=1)
    parser.add_argument("--schedule", default="slow!", help="how the provider answers")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    weather = Weather(
        given.contacts,
        given.workers,
        given.lanes,
        given.seed,
        restarts=given.restarts,
        freezes=given.freezes,
        queues=given.queues,
        outages=given.outages,
        schedule=given.schedule,
    )
    folder = Path(tempfile.mkdtemp(prefix="callagent-storm-"))
    with postgres.server() as server:
        storm = blow(weather, folder, server)
    print(storm)
    if storm.wrong:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    for what in storm.wrong:
        print(f"  {what}")
    return 1 if storm.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
