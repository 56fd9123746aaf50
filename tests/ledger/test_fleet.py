"""What a fleet shares: orders, the crew, turns, a queue that commits with the ledger."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callagent_cli.domain.call import AttemptState, Claim, Ticket
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import GateClosed, LeaseLost, LedgerBusy
from callagent_cli.ledger.crew import Post
from callagent_cli.ledger.fleet import Fleet
from callagent_cli.ledger.fleet_records import Order
from callagent_cli.ledger.records import NextStep
from callagent_cli.ledger.store import Ledger
from callagent_cli.ledger.turns import NoOrder, NotNow, OrderUse, Reached
from tests.ledger.conftest import people
from tests.support.hand_clock import HandClock
from tests.support.postgres import Server

SILENT = (
    "UPDATE callagent.runs SET heartbeat_at = to_char(clock_timestamp() AT TIME ZONE 'UTC' "
    "- interval '2 minutes', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00') WHERE run_id = '{}'"
)
JOBS = (
    "SELECT args->>'position' FROM callagent.procrastinate_jobs WHERE status = 'todo' ORDER BY id"
)


class Host:
    """One process's view of the ledger."""

    def __init__(self, folder: Path, url: str) -> None:
        self.clock = HandClock()
        self.ledger = Ledger.open(folder, clock=self.clock, enough_bytes=0, url=url)
        self.fleet: Fleet = self.ledger.fleet()

    def join(self, run_id: str, order: Order, role: str = "worker") -> Post:
        return self.fleet.join(
            order.campaign, run_id, role=role, order_id=order.order_id, version="1", lanes=4
        )

    def turn(self, order: Order, run_id: str, position: int, **rules: object) -> object:
        candidate = self.fleet.contact_at(order.campaign, position, self.clock.now())
        assert candidate is not None
        given = {"pace_s": 0.0, "since": None, "reached": lambda use: None, **rules}
        return self.fleet.take_turn(
            candidate,
            campaign=order.campaign,
            order_id=order.order_id,
            run_id=run_id,
            **given,  # type: ignore[arg-type]  # as the test says
        )


@pytest.fixture
def here(tmp_path: Path, database_url: str) -> Iterator[Host]:
    with ExitStack() as stack:
        host = Host(tmp_path / "here", database_url)
        stack.enter_context(host.ledger)
        host.ledger.import_contacts("spring", people(6), source="spring.csv")
        yield host


@pytest.fixture
def there(tmp_path: Path, database_url: str, here: Host) -> Iterator[Host]:
    del here  # makes the ledger
    with ExitStack() as stack:
        host = Host(tmp_path / "there", database_url)
        stack.enter_context(host.ledger)
        yield host


def _order(host: Host, lanes: int = 2) -> Order:
    order, _ = host.fleet.open_order("spring", lanes=lanes, limits={})
    return order


def _in_doubt(here: Host, there: Host, server: Server, order: Order) -> Ticket:
    """`here` dials the first contact as run_1 and is silent; `there` buries it."""
    claim = here.turn(order, "run_1", 1)
    assert isinstance(claim, Claim)
    ticket = here.ledger.begin(claim, {}, run_id="run_1")
    server.execute(SILENT.format("run_1"))
    assert there.fleet.bury_the_dead().in_doubt == 1
    return ticket


def test_who_comes_later_joins_an_order_that_is_worked_on(here: Host, there: Host) -> None:
    order, is_new = here.fleet.open_order("spring", lanes=2, limits={"a": 1})
    assert is_new
    with here.join("run_1", order):
        again, is_new = there.fleet.open_order("spring", lanes=9, limits={})
        assert (again, is_new) == (order, False)
    renewed, is_new = there.fleet.open_order("spring", lanes=9, limits={})
    assert is_new
    assert (renewed.lanes, renewed.order_id != order.order_id) == (9, True)


def test_an_order_is_not_settled_under_whoever_has_joined_it_with_more(
    here: Host, there: Host
) -> None:
    here.ledger.import_contacts("autumn", people(1), source="autumn.csv")
    order, _ = here.fleet.open_order("autumn", lanes=1, limits={})
    with here.join("run_1", order):
        assert not there.fleet.close_settled("autumn", order.order_id, "done", looks=1)
        candidate = here.fleet.contact_at("autumn", 1, here.clock.now())
        assert candidate is not None
        step = NextStep(ContactState.SKIPPED)
        here.ledger.set_aside("autumn", candidate.contact.phone, step)
        assert there.fleet.close_settled("autumn", order.order_id, "done", looks=1)
        assert not here.fleet.close_settled("autumn", order.order_id, "done", looks=1)


def test_lanes_are_counted_over_all_hosts(here: Host, there: Host) -> None:
    order = _order(here, lanes=2)
    with here.join("run_1", order), there.join("run_2", order):
        first = here.turn(order, "run_1", 1)
        assert isinstance(first, Claim)
        assert isinstance(there.turn(order, "run_2", 2), Claim)
        assert isinstance(here.turn(order, "run_1", 3), NotNow)
        here.ledger.release(first, NextStep(ContactState.PENDING))
        assert isinstance(there.turn(order, "run_2", 3), Claim)


def test_an_attempt_that_may_be_ringing_keeps_its_lane(
    here: Host, there: Host, server: Server
) -> None:
    order = _order(here, lanes=1)
    with here.join("run_1", order), there.join("run_2", order):
        ticket = _in_doubt(here, there, server, order)
        assert isinstance(there.turn(order, "run_2", 2), NotNow)
        for _ in range(3):  # it was asked, and did not answer
            there.ledger.record_looked_up(ticket, is_counted=False)
        assert isinstance(there.turn(order, "run_2", 2), NotNow)
        for _ in range(2):  # it answered that it knows of no call
            there.ledger.record_looked_up(ticket)
        assert isinstance(there.turn(order, "run_2", 2), Claim)


def test_an_attempt_that_the_provider_never_tells_about_keeps_no_lane_for_ever(
    here: Host, there: Host, server: Server
) -> None:
    order = _order(here, lanes=1)
    with here.join("run_1", order), there.join("run_2", order):
        _in_doubt(here, there, server, order)
        for minutes, is_free in ((29, False), (31, True)):
            began = datetime.now(UTC) - timedelta(minutes=minutes)
            moved = f"UPDATE attempts SET claimed_at = '{began.isoformat()}'"
            server.execute(f"SET search_path TO callagent; {moved}")
            assert isinstance(there.turn(order, "run_2", 2), Claim) is is_free


def test_who_waits_for_a_turn_gives_way_to_what_became_of_a_call(
    here: Host, there: Host, server: Server
) -> None:
    order = _order(here, lanes=1)
    with here.join("run_1", order), there.join("run_2", order):
        _in_doubt(here, there, server, order)
        waiting = there.turn(order, "run_2", 2)
        assert isinstance(waiting, NotNow)
        assert not waiting.is_outranked
        there.fleet.feed("spring", most=10, look_up_pauses_s=[0.0])
        waiting = there.turn(order, "run_2", 2)
        assert isinstance(waiting, NotNow)
        assert waiting.is_outranked


def test_a_line_whose_call_the_provider_has_ended_is_free_before_that_is_written_down(
    here: Host, there: Host
) -> None:
    order = _order(here, lanes=1)
    with here.join("run_1", order), there.join("run_2", order):
        first = here.turn(order, "run_1", 1)
        assert isinstance(first, Claim)
        assert isinstance(here.turn(order, "run_1", 2), NotNow)
        second = here.turn(order, "run_1", 2, ended=[first.attempt_id], is_hopeful=True)
        assert isinstance(second, Claim)
        # it is free once: the next one has the line now
        again = here.turn(order, "run_1", 3, ended=[first.attempt_id], is_hopeful=True)
        assert isinstance(again, NotNow)
        assert isinstance(there.turn(order, "run_2", 3), NotNow)


def test_an_older_program_does_not_put_back_what_a_newer_one_has_in_force(
    here: Host, tmp_path: Path, database_url: str, server: Server
) -> None:
    del here  # makes the ledger
    server.execute("COMMENT ON TABLE callagent.crew IS '99'")
    server.execute("DROP TRIGGER crew_counts ON callagent.attempts")
    Host(tmp_path / "older", database_url).ledger.close()
    kept = "SELECT tgname FROM pg_trigger WHERE tgname = 'crew_counts'"
    assert server.execute(kept) == []
    server.execute("COMMENT ON TABLE callagent.crew IS '0'")
    Host(tmp_path / "newer", database_url).ledger.close()
    assert server.execute(kept) == [("crew_counts",)]


def test_a_server_that_was_restarted_costs_nobody_a_step(here: Host, server: Server) -> None:
    order = _order(here)
    with here.join("run_1", order):
        assert isinstance(here.turn(order, "run_1", 1), Claim)
        server.stop("immediate")
        server.start()
        assert isinstance(here.turn(order, "run_1", 2), Claim)


def test_the_pace_is_kept_by_the_servers_clock(here: Host, there: Host) -> None:
    there.clock.advance(3600)  # its own runs ahead
    order = _order(here, lanes=5)
    with here.join("run_1", order), there.join("run_2", order):
        assert isinstance(here.turn(order, "run_1", 1, pace_s=60.0), Claim)
        later = there.turn(order, "run_2", 2, pace_s=60.0)
        assert isinstance(later, NotNow)
        assert 50 < later.wait_s <= 60


def test_a_limit_is_asked_with_what_all_of_them_have_used(here: Host, there: Host) -> None:
    order = _order(here, lanes=5)
    seen: list[OrderUse] = []

    def reached(use: OrderUse) -> str | None:
        seen.append(use)
        return "enough" if use.unplaced >= 2 else None

    with here.join("run_1", order), there.join("run_2", order):
        assert isinstance(here.turn(order, "run_1", 1, reached=reached), Claim)
        assert isinstance(there.turn(order, "run_2", 2, reached=reached), Claim)
        told = here.turn(order, "run_1", 3, reached=reached)
    assert isinstance(told, Reached)
    assert (told.reason, [use.unplaced for use in seen]) == ("enough", [0, 1, 2])


def test_a_paused_or_closed_order_lets_nobody_be_called(here: Host) -> None:
    order = _order(here)
    with here.join("run_1", order):
        assert here.fleet.pause("spring", "wait")
        assert isinstance(here.turn(order, "run_1", 1), NoOrder)
        assert not here.fleet.pause("spring", "again")
        assert here.fleet.resume("spring")
        assert isinstance(here.turn(order, "run_1", 1), Claim)
        assert here.fleet.close_order("spring", order.order_id, "done")
        assert isinstance(here.turn(order, "run_1", 2), NoOrder)


def test_a_verdict_on_what_is_no_longer_so_claims_nobody(here: Host, there: Host) -> None:
    order = _order(here)
    candidate = here.fleet.contact_at("spring", 1, here.clock.now())
    assert candidate is not None
    there.ledger.suppress(candidate.contact.phone, source="by_hand", by="ann")
    with here.join("run_1", order):
        turn = here.fleet.take_turn(
            candidate,
            campaign="spring",
            order_id=order.order_id,
            run_id="run_1",
            pace_s=0.0,
            since=None,
            reached=lambda use: None,
        )
    assert turn is None


def test_who_slept_too_long_can_neither_begin_nor_send(
    here: Host, there: Host, server: Server
) -> None:
    order = _order(here)
    with here.join("run_1", order) as post, there.join("run_2", order):
        claim = here.turn(order, "run_1", 1)
        assert isinstance(claim, Claim)
        post.ensure_alive()
        here.clock.advance(29)
        with pytest.raises(GateClosed, match="silent for too long"):
            post.ensure_alive()
        server.execute(SILENT.format("run_1"))
        assert there.fleet.bury_the_dead().released == 1
        with pytest.raises(LeaseLost):
            here.ledger.begin(claim, {}, run_id="run_1")
        with pytest.raises(LeaseLost):
            post.heartbeat()


def test_a_host_knows_its_own_dead_at_once(here: Host, tmp_path: Path) -> None:
    order = _order(here)
    here.join("run_1", order)
    claim = here.turn(order, "run_1", 1)
    assert isinstance(claim, Claim)
    here.ledger.begin(claim, {}, run_id="run_1")
    assert here.fleet.bury_the_dead().in_doubt == 0
    (sign,) = tmp_path.rglob("run_1.lock")
    sign.unlink()
    sign.touch()  # nobody holds it: as the kernel leaves it behind
    with here.join("run_2", order):
        assert here.fleet.bury_the_dead().in_doubt == 1


def test_a_call_of_the_dead_is_adopted_once(here: Host, there: Host, server: Server) -> None:
    order = _order(here)
    with here.join("run_1", order), there.join("run_2", order):
        claim = here.turn(order, "run_1", 1)
        assert isinstance(claim, Claim)
        here.ledger.begin(claim, {}, run_id="run_1")
        found = there.fleet.open_attempt_at("spring", 1)
        assert found is not None
        assert (found.state, found.is_orphan) == (AttemptState.DIALING, False)
        assert not there.fleet.adopt(claim.attempt_id, "run_2")
        server.execute(SILENT.format("run_1"))
        there.fleet.bury_the_dead()
        assert there.fleet.adopt(claim.attempt_id, "run_2")
        assert not there.fleet.adopt(claim.attempt_id, "run_3")


def test_one_leads_and_another_one_when_it_is_gone(
    here: Host, there: Host, server: Server
) -> None:
    order = _order(here)
    with there.join("run_2", order):
        with here.join("run_1", order):
            assert here.fleet.take_lead("run_1")
            assert not there.fleet.take_lead("run_2")
            assert here.fleet.take_lead("run_1")
        assert there.fleet.take_lead("run_2")  # it has said good-bye
        server.execute("UPDATE callagent.leases SET until = '2000'")
        assert here.fleet.take_lead("run_3")
        assert not there.fleet.take_lead("run_2")


def test_a_member_and_a_run_that_bears_nobody_exclude_one_another(here: Host, there: Host) -> None:
    order = _order(here)
    with here.join("run_1", order):
        with pytest.raises(LedgerBusy):
            there.ledger.hold("spring", "run_alone")
        with there.ledger.hold("", "hand_1"):  # a change by hand is no run
            pass
    with there.ledger.hold("spring", "run_alone"), pytest.raises(LedgerBusy):
        here.join("run_2", order)


def test_what_one_step_makes_due_is_queued_with_it(here: Host, server: Server) -> None:
    order = _order(here)
    assert server.execute(JOBS) == []
    with here.join("run_1", order):
        claim = here.turn(order, "run_1", 2)
        assert isinstance(claim, Claim)
        here.ledger.release(claim, NextStep(ContactState.PENDING))
        assert server.execute(JOBS) == [("2",)]
        later = NextStep(ContactState.DEFERRED, here.clock.now() + timedelta(days=9999))
        here.ledger.set_aside("spring", people(6)[2].phone, later)
    assert server.execute(JOBS) == [("2",)]  # what is due later waits in the ledger


def test_the_queue_is_short_and_fed_in_the_ledgers_order(here: Host, server: Server) -> None:
    _order(here)
    assert here.fleet.feed("spring", most=4) == 4
    assert server.execute(JOBS) == [("1",), ("2",), ("3",), ("4",)]
    assert here.fleet.feed("spring", most=4) == 0
    server.execute("SET search_path TO callagent; DELETE FROM procrastinate_jobs")  # lost
    assert here.fleet.feed("spring", most=10) == 6
    assert here.fleet.close_order("spring", _order(here).order_id, "done")
    assert server.execute(JOBS) == []


def test_only_those_who_are_meant_are_fed(here: Host, server: Server) -> None:
    wanted = people(6)[3]
    assert here.fleet.feed("spring", most=10, only=[wanted.id]) == 1
    assert server.execute(JOBS) == [("4",)]


def test_jobs_of_a_dead_engine_are_taken_from_it(here: Host, server: Server) -> None:
    here.fleet.feed("spring", most=2)
    server.execute("SET search_path TO callagent; UPDATE procrastinate_jobs SET status = 'doing'")
    assert here.fleet.drop_stalled(20.0) == 2
    assert here.fleet.feed("spring", most=2) == 2


def test_idle_is_when_nothing_is_due_now(here: Host) -> None:
    order = _order(here, lanes=9)
    assert not here.fleet.is_idle("spring", looks=1)
    for person in people(6)[1:]:
        step = NextStep(ContactState.DEFERRED, here.clock.now() + timedelta(days=9999))
        here.ledger.set_aside("spring", person.phone, step)
    with here.join("run_1", order):
        claim = here.turn(order, "run_1", 1)
        assert isinstance(claim, Claim)
        assert not here.fleet.is_idle("spring", looks=1)
        here.ledger.release(claim, NextStep(ContactState.COMPLETED))
    assert here.fleet.is_idle("spring", looks=1)
    assert not here.fleet.is_settled("spring", looks=1)  # time brings the others


def test_a_breaker_is_changed_by_who_has_seen_the_last_change(here: Host, there: Host) -> None:
    assert here.fleet.change_breaker("crm", 0, "open", "503", "run_1") == 1
    assert there.fleet.change_breaker("crm", 0, "open", "504", "run_2") is None
    assert there.fleet.change_breaker("crm", 1, "closed", "", "run_2") == 2
    assert here.fleet.shared_breakers()["crm"].state == "closed"
