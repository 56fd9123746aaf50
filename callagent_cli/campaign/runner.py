"""The run: workers that take one contact each through the whole journey.

Only this module knows the order: settle what earlier runs left, then claim → dial → follow →
record, until the agenda is empty or closed. Invariant: whatever ends a worker, the ledger
already says where its contact stands.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from callagent_cli.campaign.agenda import Agenda, Call, Follow, Job, RunEnd
from callagent_cli.campaign.attempt import (
    FollowRules,
    InDoubt,
    LeftRunning,
    Line,
    NotPlaced,
    about,
    dial,
    follow,
    state_of,
)
from callagent_cli.campaign.dial_rules import History, RedialRules, next_step
from callagent_cli.campaign.opt_out import OptOutRule
from callagent_cli.campaign.preparation import Preparation
from callagent_cli.campaign.progress import Progress
from callagent_cli.campaign.reconcile import LookUp, look_up, next_look, schedule
from callagent_cli.domain.call import Claim, Conversation, Disposition, Outcome, Placed, Ticket
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import (
    CallAgentError,
    GateClosed,
    Interrupted,
    ServiceRefused,
    ThrottledError,
)
from callagent_cli.domain.event import EventName, FieldValue
from callagent_cli.eligibility.callback import callback_at, zone_of
from callagent_cli.eligibility.decision import Rules, decide
from callagent_cli.eligibility.verdicts import Eligible
from callagent_cli.ledger.records import Candidate, NextStep


@dataclass(frozen=True, slots=True)
class RunRules:
    """How this campaign calls."""

    eligibility: Rules
    redial: RedialRules
    follow: FollowRules
    look_up_delays_s: Sequence[float] = (0.0, 30.0, 120.0, 600.0)
    callback_field: str = "callback_at"  # of the call's data collection
    opt_out: OptOutRule = field(default_factory=OptOutRule)


class Desk(Protocol):
    """Where a contact comes from and goes back to: an agenda, or the shift of a fleet's worker."""

    def add(self, work: Follow | LookUp | None) -> None: ...
    def finish(self, end: RunEnd) -> None: ...
    def crowd(self) -> None: ...
    def free_line(self, ticket: Ticket) -> None:
        """The provider says that the call has ended; it is still to be written down."""
        ...

    def done(self, job: Job) -> None: ...


class Journey:
    """What is done about one contact, from a claim to its end. Thread-safe."""

    def __init__(
        self,
        campaign: str,
        line: Line,
        desk: Desk,
        rules: RunRules,
        progress: Progress,
        preparation: Preparation,
    ) -> None:
        self._campaign, self._line, self._desk = campaign, line, desk
        self._rules, self._progress, self._preparation = rules, progress, preparation
        self._began = line.clock.now()

    def do(self, job: Job) -> None:
        match job:
            case Call(claim, candidate):
                self._call(claim, candidate)
            case Follow(ticket, conversation_id):
                self._follow(ticket, conversation_id)
            case LookUp():
                self._look(job)

    def _call(self, claim: Claim, candidate: Candidate) -> None:
        self._progress.doing(claim, "dialling")
        try:
            prepared = self._preparation.of(claim)
            self._progress.spent(prepared.script.cost_usd)
            evidence = {**self._allowed(candidate), **prepared.evidence}
        except (GateClosed, Interrupted) as closed:
            self._give_back(claim, closed.message)
            return
        try:
            ticket, result = dial(
                self._line, claim, prepared.script, evidence, lambda: self._gates(candidate)
            )
        except GateClosed as closed:  # in the very transaction that would have begun it
            self._give_back(claim, closed.message)
            return
        match result:
            case Placed(conversation_id, since_s=since_s):
                self._progress.placed()
                self._follow(ticket, conversation_id, since_s)
            case InDoubt():
                self._progress.put_down(claim)
                now_s = self._line.clock.monotonic()
                self._desk.add(schedule(ticket, self._rules.look_up_delays_s, now_s))
            case NotPlaced(error, step):
                if step.state is ContactState.FAILED:
                    self._progress.settled(claim)
                    if not step.is_transient:
                        self._progress.refused()
                else:
                    self._progress.put_down(claim)
                self._heed(error)

    def _give_back(self, claim: Claim, reason: str) -> None:
        """The agenda looks at it anew, and sets it aside with the reason."""
        self._line.ledger.release(claim, NextStep(ContactState.PENDING, reason=reason))
        self._progress.put_down(claim)

    def _gates(self, candidate: Candidate) -> Mapping[str, object]:
        """Before a further request, whose attempt has long begun."""
        listed = self._line.ledger.suppression_of(candidate.contact.phone)
        return self._allowed(replace(candidate, suppressed=listed))

    def _allowed(self, candidate: Candidate) -> Mapping[str, object]:
        """Why this dial is allowed at this moment; raises GateClosed when it is not. The
        do-not-call list is looked at once more in the transaction that begins the attempt."""
        match decide(candidate, self._rules.eligibility, self._line.clock.now()):
            case Eligible(evidence):
                return evidence
            case verdict:
                raise GateClosed(verdict.reason)

    def _heed(self, error: CallAgentError | None) -> None:
        """What one contact's error means for the contacts after it."""
        match error:
            case ServiceRefused():
                self._desk.finish(RunEnd(error.message, is_refused=True))
            case ThrottledError():
                self._desk.crowd()
            case _:
                pass

    def _follow(self, ticket: Ticket, conversation_id: str, since_s: float | None = None) -> None:
        claim = ticket.claim
        self._progress.doing(claim, "ringing")

        def saw(conversation: Conversation) -> None:
            self._progress.doing(claim, conversation.phase or "ringing")

        match follow(self._line, ticket, conversation_id, self._rules.follow, saw, since_s):
            case Outcome() as outcome:
                self._desk.free_line(ticket)
                self._settle(ticket, conversation_id, outcome)
            case LeftRunning(error):
                self._progress.put_down(claim)
                self._heed(error)
                if error is not None and not self._line.stop.is_set():
                    self._desk.finish(RunEnd(f"{self._line.dialer.service}: {error.message}"))

    def _settle(self, ticket: Ticket, conversation_id: str, outcome: Outcome) -> None:
        claim = ticket.claim
        opted_out = self._rules.opt_out.heard(outcome)
        step = self._after(ticket, outcome, opted_out)
        facts: dict[str, FieldValue] = {
            **about(claim),
            "service": self._line.dialer.service,
            **state_of(self._line),
            "disposition": outcome.disposition.value,
            "duration_s": outcome.duration_s,
            "cost_usd": outcome.cost_usd,
            "error": outcome.error or None,
        }
        owed = [
            *self._line.owing.outcome(ticket, conversation_id, outcome),
            *self._line.owing.row(EventName.CALL_ENDED, outcome.ended_at, facts),
        ]
        self._line.ledger.record_completed(ticket, outcome, step, owed, opted_out=opted_out)
        self._progress.ended(outcome)
        self._progress.settled(claim)
        self._line.emit(EventName.CALL_ENDED, **facts)
        if opted_out:
            self._line.emit(EventName.CONTACT_OPTED_OUT, **about(claim), reason=opted_out)
        if step.state is ContactState.EXHAUSTED:
            self._line.emit(EventName.CONTACT_EXHAUSTED, **about(claim), reason=step.reason)
        if outcome.is_config_error:
            self._desk.finish(
                RunEnd(f"the agent's settings fail every call: {outcome.error}", is_refused=True)
            )

    def _after(self, ticket: Ticket, outcome: Outcome, opted_out: str | None) -> NextStep:
        if opted_out:
            return NextStep(ContactState.COMPLETED, reason="asked not to be called again")
        return next_step(
            outcome.disposition,
            calls_made=ticket.claim.calls_made + 1,
            rules=self._rules.redial,
            now=outcome.ended_at,
            history=self._history(ticket, outcome),
        )

    def _history(self, ticket: Ticket, outcome: Outcome) -> History:
        contact, now = ticket.claim.contact, outcome.ended_at
        if not (self._rules.redial.need_history or outcome.collected):
            return History(())  # what nobody asks for is not read
        zone = zone_of(contact)
        earlier = self._line.ledger.calls_of(self._campaign, contact.phone)
        field = self._rules.callback_field
        return History(
            calls=[
                *((began, Disposition(ended)) for began, ended in earlier),
                (ticket.started_at, outcome.disposition),
            ],
            zone=zone,
            callback_at=callback_at(outcome.collected, field, zone=zone, now=now),
        )

    def _look(self, look: LookUp) -> None:
        placed = look_up(self._line, look.ticket)
        if placed is not None:
            if look.ticket.started_at >= self._began:
                self._progress.placed()  # else an earlier run dialled it
            self._desk.add(Follow(look.ticket, placed.conversation_id))
        else:
            self._desk.add(next_look(look, self._rules.look_up_delays_s))


class Runner(Journey):
    """Workers that take one contact after the other from an agenda, in one process."""

    def __init__(
        self,
        campaign: str,
        line: Line,
        agenda: Agenda,
        rules: RunRules,
        progress: Progress,
        preparation: Preparation,
    ) -> None:
        super().__init__(campaign, line, agenda, rules, progress, preparation)
        self._agenda = agenda
        self._crash: BaseException | None = None

    def run(self, workers: int, background: Sequence[Callable[[], None]] = ()) -> None:
        """Work until nothing is left or the stop signal is set. Raises what a worker raised.

        background: tasks that end with the run (health, heartbeat).
        """
        self._take_up_what_was_left()
        clock = self._line.clock
        helpers = [clock.spawn(f"background-{n}", task) for n, task in enumerate(background)]
        tasks = [clock.spawn(f"worker-{n}", self._work) for n in range(workers)]
        for task in tasks:
            task.join()
        del helpers  # daemons: they end when the caller says that the run is over
        if self._crash is not None:
            raise self._crash

    def _take_up_what_was_left(self) -> None:
        ledger, now_s = self._line.ledger, self._line.clock.monotonic()
        for call in ledger.placed_calls(self._campaign):
            self._agenda.add(Follow(call.ticket, call.conversation_id))
        for doubt in ledger.in_doubt(self._campaign):
            if doubt.looked_up:  # earlier runs have asked in vain: once more, then a person
                last = len(self._rules.look_up_delays_s) - 1
                self._agenda.add(LookUp(doubt.ticket, last, now_s))
            else:
                self._agenda.add(schedule(doubt.ticket, self._rules.look_up_delays_s, now_s))

    def _work(self) -> None:
        try:
            while (job := self._agenda.next()) is not None:
                try:
                    self.do(job)
                finally:
                    self._agenda.done(job)
        except BaseException as crash:  # noqa: BLE001 - handed to the thread that called run()
            self._crash = self._crash or crash
            self._line.stop.set()
