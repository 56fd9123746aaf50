"""A campaign over days against a dictionary: edits, runs, faults, crashes, restored backups.

The engine is the real one on the simulated world and the virtual clock; a crash is an exception
that nothing catches, at a request of the drawn number, before or after a phone rang. The model
knows only what the world saw.
"""

import shutil
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callagent_cli import wiring
from callagent_cli.config.loading import load_settings
from callagent_cli.config.settings import Settings
from callagent_cli.domain.errors import LedgerBusy, LedgerError
from callagent_cli.events.emitter import Emitter
from callagent_cli.intake.contacts import read_contacts
from callagent_cli.ledger.store import Ledger, recover_files
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World, WorldAnswer, WorldRequest

pytestmark = pytest.mark.timeout(400)
NUMBERS = [f"+1202555{n:04d}" for n in range(100, 112)]
SPELLINGS = ("{0}", "({0[2]}{0[3]}{0[4]}) {0[5]}{0[6]}{0[7]}-{0[8]}{0[9]}{0[10]}{0[11]}")
HOURS = st.sampled_from([0.1, 1, 5, 30])  # between two runs
REDIALLED = {"no_answer", "busy", "voicemail"}


class Killed(BaseException):
    """The process is gone."""


class MortalWorld(World):
    """Kills the program at a dial: `before` the phone rings, or after."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock, seed=7)
        self.kill_in: int | None = None
        self.is_before = True

    def plan(self, faults: FaultPlan) -> None:
        self._faults = faults

    def handle(self, request: WorldRequest) -> WorldAnswer:
        is_dial = request.method == "POST"
        if is_dial and self.kill_in is not None:
            self.kill_in -= 1
        if is_dial and self.kill_in == 0 and self.is_before:
            raise Killed
        answer = super().handle(request)
        if is_dial and self.kill_in == 0:
            raise Killed
        return answer

    def endings(self) -> dict[str, list[tuple[float, str]]]:
        """Number → (when it rang, how it went), as only the world knows."""
        rung = defaultdict(list)
        for call in self._calls.values():
            rung[call.to_number].append((call.began_s, call.ending))
        return rung


class CampaignOverDays(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="callagent-model-"))
        self.clock = VirtualClock(datetime(2026, 1, 5, 18, tzinfo=UTC))
        self.world = MortalWorld(self.clock)
        self.rows = {number: f"{number},Name" for number in NUMBERS[:4]}
        self.taken_in: set[str] = set()
        self.listed: dict[str, int] = {}  # do-not-call: number → calls until then
        self.backup: Path | None = None
        self.needs_recovery = False
        (self.folder / "config.yml").write_text(
            "campaign: {calling_window: null, max_attempts_per_contact: 3}\n"
        )
        self.runs = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def settings(self) -> Settings:
        return load_settings(None, {}, self.folder)

    @property
    def state_dir(self) -> Path:
        return self.folder / ".callagent"

    def open(self) -> Ledger:
        return Ledger.open(self.state_dir, name="sandbox", clock=self.clock, enough_bytes=0)

    @rule(
        number=st.sampled_from(NUMBERS), spelling=st.sampled_from(SPELLINGS), n=st.integers(0, 9)
    )
    def edit_the_file(self, number: str, spelling: str, n: int) -> None:
        self.rows[number] = f"{spelling.format(number)},Name {n}"

    @rule(hours=HOURS, concurrency=st.sampled_from([1, 3]))
    def run_well(self, hours: float, concurrency: int) -> None:
        self._run(hours, concurrency)

    @rule(hours=HOURS, fault=st.sampled_from(FaultKind), at_dial=st.integers(1, 4))
    def run_into_a_fault(self, hours: float, fault: FaultKind, at_dial: int) -> None:
        self._plan(fault, at_dial)
        self._run(hours, 1)

    @rule(hours=HOURS, kill_in=st.integers(1, 3), is_before=st.booleans())
    def run_and_die(self, hours: float, kill_in: int, is_before: bool) -> None:
        self.world.kill_in, self.world.is_before = kill_in, is_before
        self._run(hours, 1)

    @rule(hours=HOURS, kill_in=st.integers(1, 3), fault=st.sampled_from(FaultKind))
    def run_into_a_fault_and_die(self, hours: float, kill_in: int, fault: FaultKind) -> None:
        self.world.kill_in, self.world.is_before = kill_in, False
        self._plan(fault, 1)
        self._run(hours, 3)

    def _run(self, hours: float, concurrency: int) -> None:
        """One process's life, `hours` after the one before."""
        self.clock.signal().wait(hours * 3600)
        if self.needs_recovery:
            self._refuses_then_recovers()
        contacts = self.folder / "people.csv"
        contacts.write_text("phone,name\n" + "\n".join(self.rows.values()) + "\n")
        self.runs += 1
        wish = wiring.Wish(
            "people", f"run_{self.runs}", wiring.limits_of(self.settings), concurrency
        )
        self.backup = self.folder / f"before-run-{self.runs}.db"
        with self.open() as ledger, ledger.hold(wish.campaign, wish.run_id) as lease:
            ledger.backup(self.backup)
            self._second_run_is_refused()
            session = wiring.build_session(
                self.settings,
                wish,
                outside=self._outside(),
                ledger=ledger,
                emit=Emitter(self.clock, run_id=wish.run_id),
                channels=(),
            )
            session.take_in(read_contacts(contacts, default_region="US"), source="people.csv")
            self.taken_in |= set(self.rows)
            session.settle_left_overs()
            try:
                if session.preflight(()):
                    session.work(lease.heartbeat)
            except Killed:
                return
            else:
                session.summary(None)
            finally:
                session.over.set()
                session.alerts.flush(60.0)
                self.world.plan(FaultPlan())
                self.world.kill_in = None

    def _plan(self, fault: FaultKind, at_dial: int) -> None:
        first = len(self.world.dials) + at_dial
        self.world.plan(FaultPlan([Fault("elevenlabs", fault, from_dial=first, lasts_s=95.0)]))

    def _outside(self) -> wiring.Outside:
        made = wiring.outside(self.settings, self.clock)
        made.dialer._session._stand_in = WorldAdapter(self.world, self.clock)  # the lasting world
        return wiring.Outside(self.clock, made.dialer, self.world, made.beside)

    def _second_run_is_refused(self) -> None:
        with self.open() as other, pytest.raises(LedgerBusy):
            other.hold("people", "run_beside")

    @precondition(lambda self: self.backup is not None)
    @rule()
    def restore_the_ledger_from_before_the_last_run(self) -> None:
        assert self.backup is not None
        for file in self.state_dir.glob("sandbox.db*"):
            file.unlink()
        shutil.copy(self.backup, self.state_dir / "sandbox.db")
        self.needs_recovery = True

    def _calls_to(self, number: str) -> int:
        return len(self.world.endings().get(number, ()))

    @precondition(lambda self: not self.needs_recovery)
    @rule(number=st.sampled_from(NUMBERS))
    def somebody_wants_no_more_calls(self, number: str) -> None:
        with self.open() as ledger:
            ledger.suppress(number, source="person", by="Kim")
        self.listed.setdefault(number, self._calls_to(number))

    @precondition(lambda self: self.listed and not self.needs_recovery)
    @rule(data=st.data())
    def somebody_may_be_called_again(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.listed)))
        with self.open() as ledger:
            assert ledger.lift(number)
        del self.listed[number]

    def _refuses_then_recovers(self) -> None:
        """Refused if calls are missing from the restored ledger; recovery is always safe."""
        try:
            self.open().close()
        except LedgerError as refused:
            assert "older than its dial journal" in refused.message
        recover_files(self.state_dir, name="sandbox", clock=self.clock)
        self.needs_recovery = False
        with self.open() as ledger:
            self.taken_in = {row.contact.phone for row in ledger.contact_rows("people")}

    @precondition(lambda self: self.state_dir.exists() and not self.needs_recovery)
    @rule()
    def a_person_settles_the_oldest_doubt(self) -> None:
        with self.open() as ledger:
            doubts = ledger.in_doubt()
            if not doubts:
                return
            attempt_id = doubts[0].ticket.attempt_id
            rang = any(d.attempt_id == attempt_id and d.was_placed for d in self.world.dials)
            ledger.resolve(attempt_id, called=rang, by="Kim", note="")

    @invariant()
    def one_request_that_rings_per_attempt(self) -> None:
        if not hasattr(self, "world"):
            return
        ids = [dial.attempt_id for dial in self.world.dials if dial.was_placed]
        assert len(ids) == len(set(ids))

    @invariant()
    def nobody_is_called_again_who_was_reached(self) -> None:
        if not hasattr(self, "world"):
            return
        for number, rings in self.world.endings().items():
            rings.sort()
            assert len(rings) <= 3, f"{number} was called more often than allowed"
            for (at_s, ending), (again_s, _) in pairwise(rings):
                assert ending in REDIALLED, f"{number} was {ending} and rang again"
                wait = timedelta(seconds=again_s - at_s)
                assert wait >= timedelta(minutes=30), f"{number} rang again after {wait}"

    @invariant()
    def nobody_on_the_list_is_called(self) -> None:
        for number, calls in getattr(self, "listed", {}).items():
            assert self._calls_to(number) == calls, f"{number} wanted no more calls"

    @invariant()
    def everybody_is_accounted_for(self) -> None:
        if not hasattr(self, "world") or not self.taken_in or self.needs_recovery:
            return
        with self.open() as ledger:
            rows = list(ledger.contact_rows("people"))
            assert {row.contact.phone for row in rows} == self.taken_in
            assert sum(ledger.totals("people").values()) == len(self.taken_in)


CampaignOverDays.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
test_a_campaign_over_days = CampaignOverDays.TestCase
