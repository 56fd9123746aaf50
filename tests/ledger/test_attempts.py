"""The attempt's life: what each step writes, and what SQL itself refuses."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from callagent_cli.domain.call import (
    LEGAL_MOVES,
    AttemptState,
    Disposition,
    Outcome,
    Placed,
    Ticket,
)
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import InputError, LedgerError
from callagent_cli.ledger.outbox import Message
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from tests.ledger.conftest import begin_next, claim_next, people
from tests.support.hand_clock import HandClock

DONE = NextStep(ContactState.COMPLETED, reason="answered")


def _answered(clock: HandClock) -> Outcome:
    return Outcome(Disposition.ANSWERED, clock.now(), duration_s=42.0, cost_usd=0.07)


def test_a_call_that_was_answered_is_written_down_whole(ledger: Ledger, clock: HandClock) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_placed(ticket, Placed("conv_1"))
    owed = [Message("crm", "c0:1", {"id": "c0"})]
    ledger.record_completed(ticket, _answered(clock), DONE, owed)
    row = next(ledger.contact_rows("spring"))
    assert (row.state, row.disposition, row.reason) == ("completed", "answered", "answered")
    (attempt,) = row.attempts
    assert (attempt.state, attempt.conversation_id, attempt.cost_usd) == (
        "completed",
        "conv_1",
        0.07,
    )
    assert attempt.evidence == {"zone": "x"}
    assert ledger.owed() == 1
    assert ledger.dispositions("spring") == {"answered": 1}
    assert ledger.cost_usd("spring") == pytest.approx(0.07)


def test_a_contact_in_hand_is_nobody_elses(ledger: Ledger, clock: HandClock) -> None:
    candidate = ledger.next_due("spring", clock.now())
    assert candidate is not None
    assert ledger.claim("spring", candidate, "run_1") is not None
    assert ledger.claim("spring", candidate, "run_2") is None


def test_a_number_has_one_open_attempt_across_campaigns(ledger: Ledger, clock: HandClock) -> None:
    ledger.import_contacts("autumn", people(1), source="autumn.csv")
    candidate = ledger.next_due("autumn", clock.now())
    assert candidate is not None
    ticket = begin_next(ledger, clock)
    assert ticket.phone == candidate.contact.phone
    assert ledger.next_due("autumn", clock.now()) is None
    assert ledger.claim("autumn", candidate, "run_1") is None, "the unique index refuses"
    assert ledger.totals("autumn") == {"pending": 1}, "and the step changed nothing"


def test_attempts_are_numbered_and_calls_counted(ledger: Ledger, clock: HandClock) -> None:
    first = begin_next(ledger, clock)
    ledger.record_refused(
        first, error="503", category="transient", step=NextStep(ContactState.PENDING)
    )
    second = begin_next(ledger, clock)
    assert (first.phone, second.claim.attempt_no) == (second.phone, 2)
    assert second.claim.calls_made == 0, "a dial that rang no phone is no call"
    ledger.record_placed(second, Placed("conv_1"))
    again = NextStep(ContactState.DEFERRED, clock.now() + timedelta(hours=4), "no answer")
    ledger.record_completed(second, Outcome(Disposition.NO_ANSWER, clock.now()), again)
    standing = ledger.standing("spring", first.phone)
    assert standing is not None
    assert (standing.candidate.calls_made, standing.state) == (1, "deferred")


def test_a_busy_line_counts_as_a_call_and_not_for_the_gap(
    ledger: Ledger, clock: HandClock
) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_placed(ticket, Placed("conv_1"))
    ledger.record_completed(
        ticket, Outcome(Disposition.BUSY, clock.now()), NextStep(ContactState.DEFERRED)
    )
    standing = ledger.standing("spring", ticket.phone)
    assert standing is not None
    candidate = standing.candidate
    assert (candidate.calls_made, candidate.last_call_at) == (1, None)


def test_doubt_keeps_a_contact_from_being_called(ledger: Ledger, clock: HandClock) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_unknown(ticket, error="no answer in time")
    assert ledger.totals("spring") == {"needs_review": 1, "pending": 2}
    (doubt,) = ledger.in_doubt()
    assert (doubt.ticket.attempt_id, doubt.error) == (ticket.attempt_id, "no answer in time")
    due = ledger.next_due("spring", clock.now() + timedelta(days=365))
    assert due is not None
    assert due.contact.phone != ticket.phone
    assert ledger.requeue("spring", only_transient=False) == 0


@pytest.mark.parametrize(
    ("called", "state"), [(True, "completed"), (False, "pending")], ids=["called", "not called"]
)
def test_a_named_person_settles_a_doubt(
    called: bool, state: str, ledger: Ledger, clock: HandClock
) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_unknown(ticket, error="lost")
    ledger.resolve(ticket.attempt_id, called=called, by="Kim", note="asked them")
    standing = ledger.standing("spring", ticket.phone)
    assert standing is not None
    assert standing.state == state
    assert "Kim" in standing.reason
    with pytest.raises(InputError, match="not in doubt"):
        ledger.resolve(ticket.attempt_id, called=called, by="Kim", note="")


@pytest.mark.parametrize("called", [True, False])
def test_a_call_that_a_person_settles_is_owed_to_the_crm_and_no_call_is_not(
    called: bool, ledger: Ledger, clock: HandClock
) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_unknown(ticket, error="lost")

    def owing(settled: Ticket, outcome: Outcome) -> list[Message]:
        return [Message("crm", settled.attempt_id, {"disposition": outcome.disposition.value})]

    ledger.resolve(ticket.attempt_id, called=called, by="Kim", note="", owing=owing)
    owed = ledger.due("crm", clock.now(), most=5).deliveries
    assert [(d.key, d.payload) for d in owed] == (
        [(ticket.attempt_id, {"disposition": "unknown"})] if called else []
    )


def test_an_attempt_that_nobody_knows_cannot_be_settled(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="no attempt"):
        ledger.resolve("ca_nobody", called=True, by="Kim", note="")


def test_a_dead_runs_claims_are_released_and_its_dials_are_in_doubt(
    ledger: Ledger, clock: HandClock
) -> None:
    claimed = claim_next(ledger, clock)
    dialling = begin_next(ledger, clock)
    placed = begin_next(ledger, clock)
    ledger.record_placed(placed, Placed("conv_1"))
    recovery = ledger.recover()
    assert (recovery.released, recovery.in_doubt) == (1, 1)
    states = {row.contact.phone: row.state for row in ledger.contact_rows("spring")}
    assert states[claimed.contact.phone] == "pending"
    assert states[dialling.phone] == "needs_review"
    assert states[placed.phone] == "in_progress"
    assert [call.conversation_id for call in ledger.placed_calls("spring")] == ["conv_1"]


def _raw(state_dir: Path) -> sqlite3.Connection:
    return sqlite3.connect(state_dir / "ledger.db")


ALL_MOVES = [(before, after) for before in AttemptState for after in AttemptState]


@pytest.mark.parametrize(("before", "after"), ALL_MOVES)
def test_sql_allows_exactly_the_legal_moves(
    before: AttemptState, after: AttemptState, ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    claim = claim_next(ledger, clock)
    path = {
        AttemptState.CLAIMED: [],
        AttemptState.DIALING: ["dialing"],
        AttemptState.PLACED: ["dialing", "placed"],
        AttemptState.COMPLETED: ["dialing", "placed", "completed"],
        AttemptState.REFUSED: ["dialing", "refused"],
        AttemptState.UNKNOWN: ["dialing", "unknown"],
        AttemptState.RELEASED: ["released"],
    }[before]
    with _raw(state_dir) as raw:
        for state in path:
            raw.execute("UPDATE attempts SET state = ?", [state])
        is_legal = after in LEGAL_MOVES[before]
        is_still = before is after and LEGAL_MOVES[before]
        try:
            raw.execute("UPDATE attempts SET state = ?", [after.value])
            was_allowed = True
        except sqlite3.IntegrityError:
            was_allowed = False
        raw.rollback()
    raw.close()
    assert was_allowed == bool(is_legal or is_still), claim


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM attempts",
        "UPDATE attempts SET phone = '+1'",
        "UPDATE attempts SET attempt_id = 'x'",
        "UPDATE contacts SET state = 'pending'",
    ],
)
def test_sql_refuses_to_forget_a_call(
    statement: str, ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    begin_next(ledger, clock)
    raw = _raw(state_dir)
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)
    raw.close()


def test_how_an_attempt_ended_is_written_once(
    ledger: Ledger, clock: HandClock, state_dir: Path
) -> None:
    ticket = begin_next(ledger, clock)
    ledger.record_placed(ticket, Placed("conv_1"))
    ledger.record_completed(ticket, _answered(clock), DONE)
    raw = _raw(state_dir)
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute("UPDATE attempts SET disposition = 'busy'")
    raw.close()


def test_a_step_that_is_refused_changes_nothing(ledger: Ledger, clock: HandClock) -> None:
    ticket = begin_next(ledger, clock)
    owed = [Message("crm", "k", {})]
    with pytest.raises(LedgerError):  # dialing → completed is no move
        ledger.record_completed(ticket, _answered(clock), DONE, owed)
    assert ledger.owed() == 0
    assert ledger.totals("spring") == {"in_progress": 1, "pending": 2}


def test_no_journal_means_no_ticket(ledger: Ledger, clock: HandClock, state_dir: Path) -> None:
    claim = claim_next(ledger, clock)
    journal = state_dir / "ledger.journal"
    journal.unlink()
    journal.mkdir()
    with pytest.raises(LedgerError, match="dial journal"):
        ledger.begin(claim, {}, run_id="run_1")
    assert ledger.totals("spring") == {"pending": 3}, "nothing was sent, so it is due again"
