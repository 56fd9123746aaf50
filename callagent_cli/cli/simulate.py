"""`callagent simulate`: the same engine against the built-in world, with faults on cue."""

import csv
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.live_view import live_view
from callagent_cli.cli.options import SimulateOptions
from callagent_cli.cli.render import SilentChannel
from callagent_cli.cli.render_simulation import render_simulation
from callagent_cli.cli.run import open_contacts
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import Event
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.store import Ledger
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from callagent_cli.simulator.server import serve
from callagent_cli.simulator.timeline import tell
from callagent_cli.simulator.verdicts import SeenDial, Verdict, judge
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World

_CAMPAIGN = "simulation"
_BEGAN = datetime(2026, 1, 5, 18, tzinfo=UTC)  # a Monday; the same story on any day
_MOST_RUNS = 3  # the first, and those that cron would start for what it left
_BETWEEN_RUNS_S = 300.0
_AREAS = (202, 212, 213, 303, 305, 312, 404, 415, 512, 602, 617, 702, 713, 801, 816, 901)


def simulate(options: SimulateOptions) -> int:
    """Play the faults; exit status 0 only when every promise held."""
    terminal = Terminal.of(options.common)
    asked = [fault for text in options.fail for fault in parse_faults(text)]
    faults = FaultPlan(asked)
    if options.serve is not None:
        return _serve(options, faults, terminal)
    with tempfile.TemporaryDirectory(prefix="callagent-") as folder:
        services = frozenset(fault.service for fault in asked)
        settings = wiring.rehearsing(_settings(options, Path(folder)), services)
        contacts = options.file or _invent_contacts(Path(folder), options.contacts)
        play = Play(settings, faults, contacts, terminal, options)
        verdicts = play.perform()
    if options.is_json:
        terminal.result(json.dumps(play.to_json(verdicts)))
    else:
        render_simulation(tell(play.events, play.began), verdicts, play.summaries, terminal)
    if play.interrupted is not None:
        return play.interrupted
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _settings(options: SimulateOptions, folder: Path) -> Settings:
    """The user's own policies on the simulated world, with a ledger that nobody keeps."""
    settings = wiring.settings_of(options.common.config)
    sandbox = settings.sandbox.model_copy(
        update={
            name: value
            for name, value in (("seed", options.seed), ("speed", options.speed))
            if value is not None
        }
    )
    return settings.model_copy(
        update={"provider": "sandbox", "state_dir": folder / "state", "sandbox": sandbox}
    )


def _invent_contacts(folder: Path, n: int) -> Path:
    """Fictional people on numbers that are reserved for fiction."""
    path = folder / f"{_CAMPAIGN}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "phone", "timezone"])
        for k in range(n):
            number = f"+1{_AREAS[k % len(_AREAS)]}55501{(k // len(_AREAS)) % 100:02d}"
            rows.writerow([f"c{k + 1}", f"Contact {k + 1}", number, "America/New_York"])
    return path


class Play:
    """One simulation: runs until nothing is left that cron's next run would take up."""

    def __init__(
        self,
        settings: Settings,
        faults: FaultPlan,
        contacts: Path,
        terminal: Terminal,
        options: SimulateOptions,
    ) -> None:
        self._settings, self._contacts = settings, contacts
        self._terminal, self._options = terminal, options
        self._clock = VirtualClock(_BEGAN, speed=settings.sandbox.speed)
        self._outside = wiring.outside(settings, self._clock, faults)
        self.began = self._clock.now()
        self.events: list[Event] = []
        self.summaries: list[RunSummary] = []
        self.interrupted: int | None = None
        self._numbers: set[str] = set()

    def perform(self) -> list[Verdict]:
        with ExitStack() as stack:
            stack.callback(self._outside.close)
            ledger = stack.enter_context(wiring.open_ledger(self._settings, self._clock))
            for run_no in range(1, _MOST_RUNS + 1):
                self._run(ledger, run_no)
                if self.interrupted is not None or not self._is_more_due(ledger):
                    break
                self._clock.signal().wait(_BETWEEN_RUNS_S)
            return self._judge(ledger)

    def _run(self, ledger: Ledger, run_no: int) -> None:
        rules = self._settings.campaign
        wish = wiring.Wish(
            campaign=_CAMPAIGN,
            run_id=f"run_{run_no}",
            limits=wiring.limits_of(self._settings),
            concurrency=rules.concurrency,
        )
        emitter = Emitter(self._clock, run_id=wish.run_id, campaign=wish.campaign)
        emitter.listen(self.events.append)
        session = wiring.build_session(
            self._settings,
            wish,
            outside=self._outside,
            ledger=ledger,
            emit=emitter,
            channels=(SilentChannel(),),
        )
        for listener in session.listeners:
            emitter.listen(listener)
        with ledger.hold(wish.campaign, wish.run_id) as lease, Interrupts(session.stop) as caught:
            session.begin()
            session.take_in(self._people(), source=self._contacts.name)
            session.settle_left_overs()
            if session.preflight(()):
                view = live_view(
                    self._terminal, session.progress.snapshot, is_off=self._options.is_json
                )
                with view:
                    session.work(lease.heartbeat)
            self.summaries.append(session.close(caught.exit_status))
            self.interrupted = caught.exit_status
            lease.finish(self.summaries[-1].exit_status)

    def _people(self) -> Iterator[Contact]:
        for row in open_contacts(self._contacts, self._settings):
            if isinstance(row, Contact):
                self._numbers.add(row.phone)
                yield row

    def _is_more_due(self, ledger: Ledger) -> bool:
        totals, last = ledger.totals(_CAMPAIGN), self.summaries[-1]
        waiting = totals.get("pending", 0) + totals.get("in_progress", 0)
        later = ledger.due_later(_CAMPAIGN, self._clock.now())
        retried = any("no phone rang" in cause.remedy for cause in last.failures)
        return last.exit_status != 5 and bool(
            waiting or retried or totals.get("deferred", 0) > later
        )

    def _judge(self, ledger: Ledger) -> list[Verdict]:
        totals = ledger.totals(_CAMPAIGN)
        return judge(
            self._dials(),
            self.events,
            numbers=self._numbers,
            in_review=totals.get("needs_review", 0),
            waiting=totals.get("pending", 0),
            back_off_s=wiring.retry_policy(self._settings.services.elevenlabs.retry).delays(),
        )

    def _dials(self) -> Sequence[SeenDial]:
        world = self._outside.world
        if world is None:
            return ()
        return [
            SeenDial(
                (dial.at - self.began).total_seconds(),
                dial.to_number,
                dial.attempt_id,
                dial.was_placed,
            )
            for dial in world.dials
        ]

    def to_json(self, verdicts: Sequence[Verdict]) -> dict[str, object]:
        return {
            "seed": self._settings.sandbox.seed,
            "verdicts": [verdict.to_json() for verdict in verdicts],
            "runs": [summary.to_json() for summary in self.summaries],
            "timeline": [moment.to_json() for moment in tell(self.events, self.began)],
        }


def _serve(options: SimulateOptions, faults: FaultPlan, terminal: Terminal) -> int:
    """Put the world on a loopback port until the first signal."""
    clock = SystemClock()
    seed = options.seed if options.seed is not None else 1
    world = World(clock, seed=seed, faults=faults)
    over = clock.signal()
    with Interrupts(over.set), closing(serve(world, port=options.serve or 0)) as server:
        terminal.result(f"http://127.0.0.1:{server.port}")
        terminal.say(
            f"agent_id: {world.agent_id}\nagent_phone_number_id: {world.phone_number_id}\n"
            f"ELEVEN_API_KEY={world.api_key}\nCtrl-C ends it"
        )
        over.wait()
    return 0
