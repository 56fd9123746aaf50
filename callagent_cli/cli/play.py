"""One simulation, played to its end: the product's own runs, one after the other, in a world that
fails as planned, then judged."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.live_view import live_view
from callagent_cli.cli.options import SimulateOptions
from callagent_cli.cli.render import SilentChannel
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import Event
from callagent_cli.events.emitter import Emitter
from callagent_cli.intake.source import ContactsPath
from callagent_cli.ledger.store import Ledger
from callagent_cli.simulator.evidence import Around, around_of
from callagent_cli.simulator.faults import FaultPlan
from callagent_cli.simulator.timeline import tell
from callagent_cli.simulator.verdicts import SeenDial, Verdict, judge
from callagent_cli.simulator.virtual_clock import VirtualClock

CAMPAIGN = "simulation"
_BEGAN = datetime(2026, 1, 5, 18, tzinfo=UTC)  # a Monday; the same story on any day
_MOST_RUNS = 3  # the first, and those that cron would start for what it left
_MOST_FLUSHES = 3
_BETWEEN_RUNS_S = 300.0
_FLUSH_WITHIN_S = 120.0


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
            self._deliver_the_rest(ledger)
            return self._judge(ledger)

    def _deliver_the_rest(self, ledger: Ledger) -> None:
        """As cron's `deliveries flush` does, a few times."""
        for _ in range(_MOST_FLUSHES):
            if self.interrupted is not None or not ledger.owed():
                return
            self._clock.signal().wait(_BETWEEN_RUNS_S)
            emitter = Emitter(self._clock, run_id="flush", campaign=CAMPAIGN)
            emitter.listen(self.events.append)
            deliveries = wiring.build_deliveries(self._settings, self._outside, ledger, emitter)
            emitter.listen(deliveries)
            deliveries.flush(_FLUSH_WITHIN_S)

    def _run(self, ledger: Ledger, run_no: int) -> None:
        rules = self._settings.campaign
        wish = wiring.Wish(
            campaign=CAMPAIGN,
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
        for row in wiring.open_contacts(ContactsPath(self._contacts), self._settings):
            if isinstance(row, Contact):
                self._numbers.add(row.phone)
                yield row

    def _is_more_due(self, ledger: Ledger) -> bool:
        totals, last = ledger.totals(CAMPAIGN), self.summaries[-1]
        waiting = totals.get("pending", 0) + totals.get("in_progress", 0)
        later = ledger.due_later(CAMPAIGN, self._clock.now())
        retried = any("no phone rang" in cause.remedy for cause in last.failures)
        return last.exit_status != 5 and bool(
            waiting or retried or totals.get("deferred", 0) > later
        )

    def _judge(self, ledger: Ledger) -> list[Verdict]:
        totals = ledger.totals(CAMPAIGN)
        return judge(
            self._dials(),
            self.events,
            numbers=self._numbers,
            in_review=totals.get("needs_review", 0),
            waiting=totals.get("pending", 0),
            back_off_s=wiring.retry_policy(self._settings.services.elevenlabs.retry).delays(),
            around=self._around(ledger),
        )

    def _around(self, ledger: Ledger) -> Around | None:
        sandbox, services = self._outside.sandbox, self._settings.services
        if sandbox is None:
            return None
        # one request, and another one when there is time for it
        waits_s = {
            "crm": services.crm.wait + 2 * services.crm.timeout.total,
            "llm": services.llm.wait + 2 * services.llm.timeout.total,
        }
        owed = ledger.owed_by_destination()
        return around_of(sandbox.receptions, self.began, still_owed=owed, waits_s=waits_s)

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
