"""A campaign with everything that surrounds it, in the sandbox, on simulated time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.config.settings import Settings
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import Event
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.store import Ledger
from callagent_cli.simulator.faults import FaultPlan
from callagent_cli.simulator.virtual_clock import VirtualClock

BEGAN = datetime(2026, 1, 5, 15, tzinfo=UTC)  # a Monday


@dataclass
class Played:
    """A campaign that has run, and what may still be done with it."""

    settings: Settings
    clock: VirtualClock
    outside: wiring.Outside
    ledger: Ledger
    emit: Emitter
    events: list[Event]
    summary: RunSummary
    dials_at_s: list[float]

    def close(self) -> None:
        self.ledger.close()
        self.outside.close()

    def flush(self) -> dict[str, int]:
        deliveries = wiring.build_deliveries(self.settings, self.outside, self.ledger, self.emit)
        self.emit.listen(deliveries)
        return deliveries.flush(600)


def play(
    folder: Path,
    faults: FaultPlan,
    people: Sequence[Contact],
    *,
    services: frozenset[str],
    seed: int,
    concurrency: int = 5,
    watch: tuple[float, Callable[[RunSnapshot], None]] | None = None,
    adapt: Callable[[Settings], Settings] = lambda settings: settings,
) -> Played:
    """Run a campaign on instant simulated time. folder: for its ledger and its log. watch: after
    so many seconds, who is shown the run as the live view sees it. adapt: of the settings."""
    usual = wiring.settings_of(None)
    seeded = usual.sandbox.model_copy(update={"seed": seed})
    own = usual.model_copy(update={"state_dir": folder / "state", "sandbox": seeded})
    settings = adapt(wiring.rehearsing(own, services))
    clock = VirtualClock(BEGAN)
    outside = wiring.outside(settings, clock, faults)
    ledger = Ledger.open(settings.state_dir, clock=clock, enough_bytes=0)
    wish = wiring.Wish("fifty", "run_1", wiring.limits_of(settings), concurrency=concurrency)
    emit, events = Emitter(clock, run_id="run_1", campaign="fifty"), list[Event]()
    emit.listen(events.append)
    session = wiring.build_session(
        settings, wish, outside=outside, ledger=ledger, emit=emit, channels=()
    )
    for listener in session.listeners:
        emit.listen(listener)
    with ledger.hold("fifty", "run_1") as lease:
        session.begin()
        session.take_in(people, source="people.csv")
        session.settle_left_overs()
        assert session.preflight(())
        if watch is not None:
            after_s, see = watch

            def look() -> None:
                clock.signal().wait(after_s)
                see(session.progress.snapshot())

            clock.spawn("watcher", look)
        session.work(lease.heartbeat)
        summary = session.close(None)
    assert outside.world is not None
    dials = sorted((dial.at - BEGAN).total_seconds() for dial in outside.world.dials)
    return Played(settings, clock, outside, ledger, emit, events, summary, dials)
