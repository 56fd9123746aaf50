"""The live objects of a fleet's process: its ledger, its engine, a shift for each campaign."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from callagent_cli import __version__
from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.breaker_sync import BreakerSync
from callagent_cli.campaign.fleet_worker import FleetWorker, WorkingShift
from callagent_cli.campaign.leading import Duties, Leadership
from callagent_cli.campaign.ledger_outage import LedgerOutage
from callagent_cli.campaign.limits import HaltRule, RunLimits
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.session import Session
from callagent_cli.campaign.shift import Shift, ShiftRules
from callagent_cli.campaign.shift_work import ShiftWork
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Clock, CorrectedClock, Signal
from callagent_cli.domain.event import EventName, Listener
from callagent_cli.eligibility.decision import Rules
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.crew import Post
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.fleet_records import Order
from callagent_cli.ledger.store import Ledger
from callagent_cli.wiring.alert_channels import plain_channels
from callagent_cli.wiring.contacts import told_to_agent
from callagent_cli.wiring.ledgers import log_of, open_ledger
from callagent_cli.wiring.policies import throttle_of
from callagent_cli.wiring.provider import Outside, outside
from callagent_cli.wiring.session import Wish, build_session

_ALERTS_FLUSH_S = 10.0


@dataclass(frozen=True, slots=True)
class Crewing:
    """How this process takes part."""

    role: str  # run, worker
    lanes: int
    channels: Sequence[AlertChannel] = ()
    listeners: Sequence[Listener] = ()


def order_of(wish: Wish, columns: Collection[str]) -> Mapping[str, Any]:
    """What an order keeps for those who work on it: limits, and what a call tells the agent."""
    return {"limits": asdict(wish.limits), "columns": list(columns)}


def limits_in(order: Order) -> RunLimits:
    kept = dict(order.limits["limits"])
    halt = kept.pop("halt")
    return RunLimits(**kept, halt=HaltRule(**halt) if halt else None)


def build_worker(
    settings: Settings,
    fleet: Fleet,
    crewing: Crewing,
    *,
    clock: Clock,
    stop: Signal,
    campaign: str | None = None,
) -> FleetWorker:
    from callagent_cli.engine.jobs import Engine
    from callagent_cli.ledger.server_database import LIVELY

    url = settings.place.url or ""
    name = f"{crewing.role}_{secrets.token_hex(6)}"
    emitter = Emitter(clock, run_id=name, campaign=campaign or "")
    emitter.listen(log_of(settings))
    for listener in crewing.listeners:
        emitter.listen(listener)
    outage = LedgerOutage(clock, emitter)
    desk = _desk_without_ledger(settings, crewing, clock, emitter)

    def engine_for(attend: Callable[[str, int], None], on_lost: Callable[[], None]) -> Engine:
        return Engine(
            url,
            "callagent",
            hands=crewing.lanes,
            wire=LIVELY,
            attend=attend,
            campaigns=None if campaign is None else [campaign],
            on_lost=on_lost,
            on_begun=fleet.sign_on_engine,
        )

    def flush_alerts() -> None:
        emitter.settle(_ALERTS_FLUSH_S)
        desk.flush(_ALERTS_FLUSH_S)

    def open_shift(order: Order) -> WorkingShift:
        return build_shift(settings, order, crewing, outage)

    return FleetWorker(
        fleet,
        clock=clock,
        stop=stop,
        outage=outage,
        open_shift=open_shift,
        engine_for=engine_for,
        flush_alerts=flush_alerts,
        campaign=campaign,
        looks=len(settings.services.elevenlabs.look_up_after),
    )


def _desk_without_ledger(
    settings: Settings, crewing: Crewing, clock: Clock, emitter: Emitter
) -> AlertDesk:
    """For what happens to the ledger itself: it owes that to nobody, each channel is told."""
    channels = (*crewing.channels, *plain_channels(settings, clock))
    desk = AlertDesk(channels, clock, emitter, throttle_of(settings))
    emitter.listen(desk)
    clock.spawn("alerts", desk.run)
    return desk


class _Seat:
    """In a fleet: who leads, and the desk at which contacts are taken."""

    def __init__(
        self,
        order: Order,
        fleet: Fleet,
        leadership: Leadership,
        post: Post,
        *,
        waits_for_ever: bool,
    ) -> None:
        self._order, self._fleet, self._leadership = order, fleet, leadership
        self.ensure_alive = post.ensure_alive
        self._waits_for_ever = waits_for_ever
        self.desk: Shift | None = None

    def leads(self) -> bool:
        return self._leadership()

    def shift(self, line: Line, rules: Rules, limits: RunLimits, progress: Progress) -> Shift:
        self.desk = Shift(
            self._order,
            line=line,
            rules=rules,
            shift=ShiftRules(limits, waits_for_ever=self._waits_for_ever),
            fleet=self._fleet,
            progress=progress,
        )
        return self.desk


def build_shift(
    settings: Settings, order: Order, crewing: Crewing, outage: LedgerOutage
) -> ShiftWork:
    """A campaign's session in this process, at work. Raises LedgerError, and ConfigError for
    settings that its calls cannot be made with."""
    clock, run_id = CorrectedClock(), f"run_{secrets.token_hex(6)}"
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(settings, clock))
        post = ledger.fleet().join(
            order.campaign,
            run_id,
            role=crewing.role,
            order_id=order.order_id,
            version=__version__,
            lanes=crewing.lanes,
        )
        stack.enter_context(post)
        reached = outside(settings, clock)
        stack.callback(reached.close)
        work = _put_together(
            settings, order, crewing, _Means(clock, run_id, ledger, post, reached, outage)
        )
        work.begin(told_to_agent(settings, order.limits["columns"]))
        work.on_closed = stack.pop_all().close
    return work


@dataclass(frozen=True, slots=True)
class _Means:
    clock: Clock
    run_id: str
    ledger: Ledger
    post: Post
    outside: Outside
    outage: LedgerOutage


def _put_together(settings: Settings, order: Order, crewing: Crewing, means: _Means) -> ShiftWork:
    clock, run_id, ledger = means.clock, means.run_id, means.ledger
    fleet = ledger.fleet()
    emitter = Emitter(clock, run_id=run_id, campaign=order.campaign)
    emitter.listen(log_of(settings))
    leadership = Leadership(fleet, run_id, clock)
    seat = _Seat(order, fleet, leadership, means.post, waits_for_ever=crewing.role == "worker")
    only = None if order.only is None else frozenset(order.only)
    session = build_session(
        settings,
        Wish(order.campaign, run_id, limits_in(order), crewing.lanes, only),
        outside=means.outside,
        ledger=ledger,
        emit=emitter,
        channels=crewing.channels,
        seat=seat,
    )
    if crewing.role == "worker":
        session.last_word = EventName.WORKER_STOPPED
    sync = BreakerSync(
        session.breakers,
        fleet,
        run_id,
        clock=clock,
        over=session.over,
        on_proof=session.alerts.prove,
    )
    for listener in (*session.listeners, sync, *crewing.listeners):
        emitter.listen(listener)
    duties = Duties(
        leadership,
        fleet,
        clock=clock,
        over=session.over,
        emit=emitter,
        order=order,
        on_elected=lambda: session.alerts.go_on_duty(fleet.proven_services()),
        on_settled=lambda: _tell_that_it_is_done(session, order, fleet),
        look_up_delays_s=settings.services.elevenlabs.look_up_after,
    )
    if seat.desk is None:  # pragma: no cover - a session takes its desk from its seat
        raise AssertionError(run_id)
    tasks = (duties.run, sync.run)
    return ShiftWork(
        session, seat.desk, means.post, leadership=leadership, outage=means.outage, tasks=tasks
    )


def _tell_that_it_is_done(session: Session, order: Order, fleet: Fleet) -> None:
    """A campaign that workers have ended is told as one that a run ends; a run tells its own."""
    if any(member.role == "run" for member in fleet.members()):
        return
    dialled = fleet.dialled_for(order.order_id)
    session.tell_end(EventName.RUN_FINISHED, session.summary(None), dialled=dialled)
