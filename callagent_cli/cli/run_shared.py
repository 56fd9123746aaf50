"""`callagent run` where the ledger is shared: take in, order, and lend a hand.

Whoever is at the same campaign on another host works beside it, within the limits of the one
order; two crons that start at the same minute are two hands.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from callagent_cli import wiring
from callagent_cli.campaign.ending import remaining
from callagent_cli.campaign.fleet_worker import FleetWorker
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.campaign.summing_up import sum_up
from callagent_cli.cli.contacts_source import Given, refuse_unknown
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.live_view import as_stopping, live_view
from callagent_cli.cli.options import RunOptions
from callagent_cli.cli.progress import counted, progress
from callagent_cli.cli.render import TerminalChannel
from callagent_cli.cli.terminal import Terminal
from callagent_cli.cli.worker import terminal_listener
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.domain.errors import LedgerAway, LedgerError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.fleet_records import Member, Order
from callagent_cli.ledger.records import ImportCounts
from callagent_cli.ledger.store import Ledger
from callagent_cli.wiring import shifts


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a run on a shared ledger works with."""

    settings: Settings
    wish: wiring.Wish
    given: Given
    options: RunOptions
    terminal: Terminal
    ledger: Ledger
    clock: Clock
    write_rejects: Callable[[int], str]


def run_shared(this: Ordering) -> RunSummary:
    emitter = Emitter(this.clock, run_id=this.wish.run_id, campaign=this.wish.campaign)
    log = wiring.log_of(this.settings)
    emitter.listen(log)
    counts = _take_in(this, emitter)
    order, is_new = _ordered(this, emitter)
    n_rejected = counts.rejected + counts.duplicates
    rejected_path = this.write_rejects(n_rejected)
    if order.paused_at is not None:
        summary = _paused(this, order)
    elif this.options.is_no_work:
        summary = _summary(this, order, 0, _handed_on(this.ledger.fleet().members()))
    else:
        if not is_new:
            this.terminal.say(f"{order.campaign} is being worked on: this run lends a hand")
        summary = _lend_a_hand(this, order)
    notes = (*summary.notes, log.problem) if log.problem else summary.notes
    return replace(
        summary,
        log_path=str(this.settings.logging.path),
        rejected=n_rejected,
        rejected_path=rejected_path,
        notes=notes,
    )


def _take_in(this: Ordering, emitter: Emitter) -> ImportCounts:
    with progress(this.terminal, f"taking in {this.given.source.name}") as tell:
        rows = _telling(counted(this.given.file, tell), emitter)
        counts = this.ledger.import_contacts(
            this.wish.campaign, rows, source=this.given.source.name
        )
    unknown = this.ledger.unknown(this.wish.campaign, this.wish.only or ())
    refuse_unknown(this.wish.campaign, unknown)
    return counts


def _telling(
    rows: Iterable[Contact | RejectedRow], emitter: Emitter
) -> Iterator[Contact | RejectedRow]:
    for row in rows:
        if isinstance(row, RejectedRow):
            emitter(
                EventName.CONTACT_REJECTED, line=row.line, column=row.column, reason=row.reason
            )
        yield row


def _ordered(this: Ordering, emitter: Emitter) -> tuple[Order, bool]:
    ledger, campaign, fleet = this.ledger, this.wish.campaign, this.ledger.fleet()
    fleet.bury_the_dead()
    if this.options.is_retry_failed:
        ledger.requeue(campaign, only_transient=False)
    ledger.requeue(campaign, only_transient=True)
    ledger.release_held(campaign)
    order, is_new = fleet.open_order(
        campaign,
        lanes=this.wish.concurrency,
        limits=shifts.order_of(this.wish, this.given.file.columns),
        only=this.wish.only,
        looks=len(this.settings.services.elevenlabs.look_up_after),
    )
    if is_new:
        emitter(EventName.ORDER_OPENED, reason=f"{order.lanes} lanes")
    return order, is_new


def _lend_a_hand(this: Ordering, order: Order) -> RunSummary:
    stop = this.clock.signal()
    fleet, campaign = this.ledger.fleet(), order.campaign
    crewing = shifts.Crewing(
        "run",
        this.wish.concurrency,
        channels=(TerminalChannel(this.terminal.say),),
        listeners=(terminal_listener(this.terminal),),
    )
    is_off = this.options.is_no_live or this.options.is_json
    with Interrupts(stop.set) as interrupts:  # first: threads that are begun take no signal
        worker = shifts.build_worker(
            this.settings, fleet, crewing, clock=this.clock, stop=stop, campaign=campaign
        )
        seen = _Seen(worker)

        def now() -> RunSnapshot:
            return as_stopping(seen()) if interrupts.caught else seen()

        with live_view(this.terminal, now, is_off=is_off):
            worker.run(lambda: interrupts.exit_status)
    summary = worker.summary or _without_a_shift(this, interrupts.exit_status)
    _close_unless_taken_on(this.ledger, summary)
    return replace(summary, dialled=worker.dialled)


def _without_a_shift(this: Ordering, interrupted: int | None) -> RunSummary:
    """Others were done with the order before this run could lend a hand, or the ledger was lost.
    Raises LedgerError while it is."""
    campaign = this.wish.campaign
    try:
        order = this.ledger.fleet().order(campaign)
        if order is not None and order.paused_at is not None and interrupted is None:
            return _paused(this, order)
        return sum_up(
            this.ledger,
            campaign,
            this.clock.now(),
            run_id=this.wish.run_id,
            interrupted=interrupted,
            is_restricted=this.wish.only is not None,
        )
    except LedgerAway:
        raise LedgerError(
            "the ledger could not be asked how the run ended",
            hint="`callagent status` tells, as soon as its server answers",
        ) from None


def _close_unless_taken_on(ledger: Ledger, summary: RunSummary) -> None:
    """An order that no worker goes on with ends with the run, as a run alone would."""
    fleet = ledger.fleet()
    at_it = [m for m in fleet.members() if m.role == "worker" or m.campaign == summary.campaign]
    order = fleet.order(summary.campaign)
    if order is not None and order.closed_at is None and order.paused_at is None and not at_it:
        fleet.close_order(order.campaign, order.order_id, summary.reason)


def _handed_on(members: Sequence[Member]) -> str:
    workers = sum(member.role == "worker" for member in members)
    if not workers:
        return "ordered; nobody works on it before a `callagent worker` is started"
    return f"ordered; {workers} {'worker goes' if workers == 1 else 'workers go'} on with it"


class _Seen:
    """What the live view shows: the shift's snapshot, the last one between two shifts."""

    def __init__(self, worker: FleetWorker) -> None:
        self._worker = worker
        self._last = RunSnapshot("", "elevenlabs", is_sandbox=False, contacts=0)

    def __call__(self) -> RunSnapshot:
        if (shift := self._worker.shift()) is not None:
            self._last = shift.snapshot()
        return self._last


def _paused(this: Ordering, order: Order) -> RunSummary:
    why = f"{order.campaign} is paused: {order.reason}; `callagent resume` goes on"
    return _summary(this, order, 5, why)


def _summary(this: Ordering, order: Order, exit_status: int, reason: str) -> RunSummary:
    totals = this.ledger.totals(order.campaign)
    return RunSummary(
        campaign=order.campaign,
        run_id=this.wish.run_id,
        exit_status=exit_status,
        reason=reason,
        totals=totals,
        dispositions=this.ledger.dispositions(order.campaign),
        dialled=0,
        duration_s=0.0,
        cost_usd=None,
        remaining=remaining(totals),
        in_doubt=totals.get("needs_review", 0),
        is_planned=exit_status == 0,
    )
