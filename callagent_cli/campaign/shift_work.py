"""A session in the hands of a fleet's worker: at work from `begin` to `close`."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from callagent_cli.campaign.agenda import RunEnd
from callagent_cli.campaign.leading import Leadership
from callagent_cli.campaign.ledger_outage import LedgerOutage
from callagent_cli.campaign.session import Session
from callagent_cli.campaign.shift import Shift
from callagent_cli.campaign.summary import RunSummary
from callagent_cli.domain.clock import CorrectedClock
from callagent_cli.domain.errors import CallAgentError, LedgerError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.snapshot import RunSnapshot
from callagent_cli.ledger.crew import Post
from callagent_cli.ledger.fleet_records import Order

_HEARTBEAT_S = 5.0  # a good deal less than a silence that is taken for death


class ShiftWork:
    """A WorkingShift. tasks: of this process beside the session's own. `on_closed` gives back
    what was opened for it."""

    def __init__(
        self,
        session: Session,
        shift: Shift,
        post: Post,
        *,
        leadership: Leadership,
        outage: LedgerOutage,
        tasks: Sequence[Callable[[], None]],
    ) -> None:
        self._session, self._shift, self._post = session, shift, post
        self._leadership, self._outage = leadership, outage
        self._tasks = tuple(tasks)
        self.on_closed: Callable[[], None] = _nothing
        self._clock, self._state = session.line.clock, "working"

    @property
    def order(self) -> Order:
        return self._shift.order

    @property
    def is_over(self) -> bool:
        """A ledger that was lost, a lease too, or a reason to take nobody more."""
        return self._session.line.stop.is_set() or self._shift.end is not None

    @property
    def leads(self) -> bool:
        return self._leadership()

    @property
    def has_ended(self) -> bool:
        return self._shift.end is not None

    def begin(self, columns: Collection[str]) -> None:
        """Look at the agent, then let hands come. columns: of the contacts file."""
        session = self._session
        session.line.emit(
            EventName.WORKER_STARTED, provider=session.provider, reason=f"{session.workers} lanes"
        )
        self._heartbeat()
        session.holds.heed()
        session.preflight(columns)
        session.deliveries.start()
        for n, task in enumerate(
            (*session.background(self._heartbeat, _HEARTBEAT_S), *self._tasks)
        ):
            self._clock.spawn(f"background-{n}", task)

    def attend(self, position: int) -> None:
        """Never raises: a ledger that fails a step ends the shift."""
        try:
            job = self._shift.job_at(position)
            while job is not None:
                try:
                    self._session.journey.do(job)
                finally:
                    self._shift.done(job)
                job = self._shift.next_in_hand()
        except LedgerError as error:
            self._outage.lost(error.message)
            self.stop()
        except CallAgentError as error:
            self._shift.finish(RunEnd(error.message))

    def snapshot(self) -> RunSnapshot:
        return self._session.progress.snapshot()

    def stop(self) -> None:
        self._state = "draining"
        self._session.stop()

    def close(self, interrupted: int | None) -> RunSummary | None:
        """What is in hand has come to its end, or the next worker goes on with it."""
        summary = None
        try:
            summary = self._session.close(interrupted)
        except LedgerError as error:
            self._outage.lost(error.message)
        self._session.over.set()
        with suppress(LedgerError):
            self._post.finish(summary.exit_status if summary else None)
        with suppress(LedgerError):
            self.on_closed()
        return summary

    def _heartbeat(self) -> None:
        ahead = self._post.heartbeat(self._state)
        if isinstance(self._clock, CorrectedClock):
            self._clock.correct(ahead)


def _nothing() -> None:
    """Nothing was opened."""
