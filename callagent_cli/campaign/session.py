"""One run of one campaign, from its first event to its summary.

Called by: `run` and `simulate`, with live objects from wiring. Order: take in the file, settle
what dead runs left, look at the agent before anybody is called, work, sum up.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from callagent_cli.campaign.agenda import RunEnd
from callagent_cli.campaign.attempt import Line
from callagent_cli.campaign.delivery import Deliveries
from callagent_cli.campaign.holds import HoldWatch
from callagent_cli.campaign.mirror import Mirror
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.runner import Journey, Runner
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.campaign.summing_up import sum_up
from callagent_cli.campaign.telemetry import Telemetry
from callagent_cli.domain.clock import Signal
from callagent_cli.domain.contact import Contact, RejectedRow
from callagent_cli.domain.errors import LeaseLost, LedgerError, ServiceError, ServiceRefused
from callagent_cli.domain.event import EventName, Listener
from callagent_cli.domain.health import Finding
from callagent_cli.events.alerts import AlertDesk
from callagent_cli.ledger.records import ImportCounts
from callagent_cli.resilience.breaker import Breaker
from callagent_cli.resilience.probes import HealthMonitor

_HEARTBEAT_S = 15.0
_HEARD_WITHIN_S = 60.0  # a log on a slow disk is a listener too
_ALERTS_FLUSH_S = 10.0  # real channels may be slow; what is left stays in the log


class Taker(Protocol):
    """Where contacts are taken from, until it ends."""

    @property
    def end(self) -> RunEnd | None: ...
    def finish(self, end: RunEnd) -> None: ...


@dataclass(slots=True)
class Session:
    campaign: str
    provider: str
    line: Line
    agenda: Taker
    journey: Journey  # a Runner, unless the engine of a fleet hands out the work
    progress: Progress
    monitors: Sequence[HealthMonitor]
    alerts: AlertDesk
    breakers: Sequence[Breaker]  # of all services
    deliveries: Deliveries
    holds: HoldWatch
    telemetry: Telemetry
    mirror: Mirror | None  # of the events in a sheet
    settle: Callable[[float], bool]  # within so many seconds, all has been heard that was emitted
    flush_within_s: float
    over: Signal  # set when the run has ended: background tasks end
    workers: int
    last_word: EventName = EventName.RUN_FINISHED  # a worker's end is not the campaign's
    is_restricted: bool = False  # told to look at some contacts only
    findings: tuple[Finding, ...] = ()
    rejected: int = 0

    @property
    def listeners(self) -> list[Listener]:
        heard_by: list[Listener] = [self.alerts, self.deliveries, self.telemetry]
        return [*heard_by, self.mirror] if self.mirror else heard_by

    def stop(self) -> None:
        """No new contact; the request in flight is settled, waits end."""
        self.line.stop.set()

    def begin(self) -> None:
        self.line.emit(EventName.RUN_STARTED, provider=self.provider)
        self.holds.heed()

    def take_in(self, rows: Iterable[Contact | RejectedRow], *, source: str) -> ImportCounts:
        """Read the whole file into the ledger; a row that is no contact is told and kept."""
        counts = self.line.ledger.import_contacts(
            self.campaign, self._telling(rows), source=source
        )
        self.rejected = counts.rejected
        return counts

    def _telling(self, rows: Iterable[Contact | RejectedRow]) -> Iterator[Contact | RejectedRow]:
        for row in rows:
            if isinstance(row, RejectedRow):
                self.line.emit(
                    EventName.CONTACT_REJECTED, line=row.line, column=row.column, reason=row.reason
                )
            yield row

    def settle_left_overs(self) -> None:
        """What dead runs left: claims are given back, dials without an answer are in doubt.
        Contacts that failed for a passing reason, and those held, get a new look."""
        ledger = self.line.ledger
        ledger.recover()
        ledger.requeue(self.campaign, only_transient=True)
        ledger.release_held(self.campaign)

    def preflight(self, columns: Collection[str]) -> bool:
        """Look at what every call needs. False: nothing may be dialled until a person acts."""
        try:
            found = self.line.guard.call(
                lambda: self.line.dialer.preflight(columns),
                operation="preflight",
                retries=0,
                is_proof=False,  # what can be read may still not be dialled
            )
        except ServiceRefused as error:
            self.agenda.finish(RunEnd(error.message, is_refused=True))
            return False
        except ServiceError as error:
            unchecked = Finding(
                is_blocking=False,
                what=f"the agent could not be checked: {error.message}",
                fix="the run waits for the service; look at `callagent health`",
            )
            self.findings = (unchecked,)
            return True
        self.findings = tuple(found)
        blocking = [finding for finding in found if finding.is_blocking]
        if blocking:
            reason = "; ".join(f"{finding.what}: {finding.fix}" for finding in blocking)
            self.agenda.finish(RunEnd(reason, is_refused=True))
        return not blocking

    def work(self, heartbeat: Callable[[], None]) -> None:
        """Call, until nothing is left, a limit is reached or the run is told to stop."""

        self.deliveries.start()
        if isinstance(self.journey, Runner):
            self.journey.run(self.workers, self.background(heartbeat, _HEARTBEAT_S))

    def background(
        self, heartbeat: Callable[[], None], every_s: float
    ) -> list[Callable[[], None]]:
        """Tasks that end when the run is over."""

        def keep_lease() -> None:
            self.telemetry.keep()
            while not self.over.wait(every_s):
                self._renew(heartbeat)
                self.telemetry.keep()

        tasks = [
            self.alerts.run,
            keep_lease,
            self.holds.run,
            *(monitor.run for monitor in self.monitors),
        ]
        if self.mirror:
            tasks.append(self.mirror.run)
        return tasks

    def _renew(self, heartbeat: Callable[[], None]) -> None:
        """A heartbeat that cannot be written now may be written next time."""
        try:
            heartbeat()
        except LeaseLost as error:
            self.agenda.finish(RunEnd(error.message))
            self.stop()
        except LedgerError as error:
            self.progress.waiting = error.message

    def close(self, interrupted: int | None) -> RunSummary:
        """Tell the last event, deliver what can be delivered, end the background tasks, sum up.

        interrupted: 128 + the number of the signal that ended the run.
        """
        summary = self.summary(interrupted)
        self.tell_end(self.last_word, summary, dialled=summary.dialled)
        self.settle(_HEARD_WITHIN_S)  # what the alerts have not heard they cannot flush
        self.alerts.flush(_ALERTS_FLUSH_S)
        if self.mirror:
            self.mirror.close()
        owed_to = self.deliveries.flush(self.flush_within_s)
        self.over.set()
        self.telemetry.end(summary.exit_status)
        dead = sum(self.line.ledger.owed_by_destination("dead").values())
        problem = self.telemetry.problem
        notes = (*summary.notes, problem) if problem else summary.notes
        return replace(summary, owed_to=owed_to, dead_letters=dead, notes=notes)

    def tell_end(self, name: EventName, summary: RunSummary, *, dialled: int) -> None:
        self.line.emit(
            name,
            exit_status=summary.exit_status,
            reason=summary.reason,
            dialled=dialled,
            remaining=summary.remaining,
            cost_usd=summary.cost_usd,
        )

    def summary(self, interrupted: int | None) -> RunSummary:
        told = sum_up(
            self.line.ledger,
            self.campaign,
            self.line.clock.now(),
            run_id=self.line.run_id,
            end=self.agenda.end,
            interrupted=interrupted,
            is_restricted=self.is_restricted,
        )
        return replace(
            told,
            dialled=self.progress.dialled,
            duration_s=self.progress.elapsed_s,
            cost_usd=self.progress.cost_usd,
            rejected=self.rejected,
            is_sandbox=self.provider == "sandbox",
            notes=tuple(f"{finding.what}: {finding.fix}" for finding in self.findings),
        )
