"""Turns: who may call now, of a fleet. Looked at and taken in one transaction, so that lanes,
pace, caps and budgets hold exactly, however many workers there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Row,
    Select,
    bindparam,
    cast,
    func,
    select,
    true,
    update,
)

from callagent_cli.domain.call import UNTOLD_FOR, AttemptState, Claim, Ticket
from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.attempt_book import claimed
from callagent_cli.ledger.contact_book import HAS_OPEN_ATTEMPT
from callagent_cli.ledger.database import Conflict, Database, stamp, unstamp
from callagent_cli.ledger.fleet_schema import crew, orders
from callagent_cli.ledger.open_attempts import WITH_CONTACT, ticket_of
from callagent_cli.ledger.queue import IS_URGENT
from callagent_cli.ledger.records import Candidate
from callagent_cli.ledger.schema import IS_OPEN, IS_WAITING, attempts, contacts, runs
from callagent_cli.ledger.standings import Standings

_ON_A_LINE = (AttemptState.CLAIMED.value, AttemptState.DIALING.value, AttemptState.PLACED.value)
_IS_RECENT = cast(attempts.c.claimed_at, DateTime(timezone=True)) > (
    func.clock_timestamp() - UNTOLD_FOR
)
# also who may be ringing, for all that is known: until the provider has answered twice
_MAY_BE_ON = attempts.c.state.in_(_ON_A_LINE) | (
    (attempts.c.state == AttemptState.UNKNOWN.value) & (attempts.c.looked_up < 2) & _IS_RECENT
)
_AT = (contacts.c.campaign == bindparam("of_campaign")) & (
    contacts.c.position == bindparam("of_position")
)
_WAITING_AT = select(contacts).where(
    _AT, IS_WAITING, contacts.c.due_at <= bindparam("now"), ~HAS_OPEN_ATTEMPT
)
_OPEN_AT = (
    select(attempts, contacts, runs.c.ended_at.is_not(None) | runs.c.run_id.is_(None))
    .join(contacts, WITH_CONTACT)
    .outerjoin(runs, runs.c.run_id == attempts.c.run_id)
    .where(_AT, IS_OPEN)
)
_IN_CAMPAIGN = attempts.c.campaign == bindparam("of_campaign")
_CROWDED_PAUSE = timedelta(seconds=30)  # after a 429 of our own plan, before another call
_WIDEN_AFTER = timedelta(seconds=300)  # without such a 429, before one more line is used again


@dataclass(frozen=True, slots=True)
class OrderUse:
    """What an order has used so far, of its limits."""

    under_way: int
    unplaced: int  # of which the provider has not taken yet
    dialled: int
    ended: int
    failed: int
    cost_usd: float
    elapsed_s: float
    dialled_today: int
    cost_usd_today: float


@dataclass(frozen=True, slots=True)
class NotNow:
    """Nobody is called at this moment; try again in a while, or when a call has ended."""

    wait_s: float
    is_outranked: bool = False  # somebody's call waits for a hand that follows it


@dataclass(frozen=True, slots=True)
class Reached:
    """The order's limits let nobody more be called."""

    reason: str
    use: OrderUse


@dataclass(frozen=True, slots=True)
class NoOrder:
    """It is paused, closed, or another one by now."""


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt at the contact of a job."""

    state: AttemptState
    ticket: Ticket
    conversation_id: str
    looked_up: int
    is_orphan: bool  # whoever made it is dead


class Turns(Standings):
    _database: Database
    _clock: Clock

    def contact_at(self, campaign: str, position: int, now: datetime) -> Candidate | None:
        """The contact of a job; None when it is not its turn."""
        asked = {"of_campaign": campaign, "of_position": position, "now": stamp(now)}
        with self._database.reading() as connection:
            row = connection.execute(_WAITING_AT, asked).first()
            return None if row is None else self._candidate(connection, campaign, row)

    def open_attempt_at(self, campaign: str, position: int) -> OpenAttempt | None:
        asked = {"of_campaign": campaign, "of_position": position}
        with self._database.at_a_glance() as connection:
            row = connection.execute(_OPEN_AT, asked).first()
        if row is None:
            return None
        return OpenAttempt(
            AttemptState(row.state),
            ticket_of(row),
            row.conversation_id or "",
            row.looked_up,
            is_orphan=bool(row[-1]),
        )

    def take_turn(
        self,
        candidate: Candidate,
        *,
        campaign: str,
        order_id: str,
        run_id: str,
        pace_s: float,
        since: datetime | None,
        reached: Callable[[OrderUse], str | None],
        is_hopeful: bool = False,
        ended: Sequence[str] = (),
    ) -> Claim | NotNow | Reached | NoOrder | None:
        """Claim the contact, if the order lets anybody be called at this moment. None: somebody
        else has the contact or its number, or more is known of it by now.

        since: calls from then on count for today; None: nobody asks. reached: in words, which
        limit forbids another dial. is_hopeful: a line has just become free here. ended: attempts
        that the provider has said are over, whatever stands here yet: their lines are free.
        """
        self._database.require_sound()
        if not is_hopeful and (refused := self._look(order_id, campaign)) is not None:
            return refused  # most are told so without waiting for the ledger's one lock
        try:
            with self._database.in_turn() as connection:
                seen = _survey(connection, campaign, order_id, ended)
                if seen is None:
                    return NoOrder()
                if (wait_s := _wait_s(seen)) is not None:
                    return NotNow(wait_s)
                use = _use(connection, seen, since)
                if (reason := reached(use)) is not None:
                    return Reached(reason, use)
                claim = None
                if self._is_still_so(connection, campaign, candidate):
                    claim = claimed(connection, campaign, candidate, run_id, seen.now)
                if claim is not None:
                    _note_dial(connection, seen, pace_s)
                return claim
        except Conflict:  # the number has an open attempt in another campaign
            return None

    def crowd(self, campaign: str) -> None:
        """The plan's lines are all in use: the fleet uses one fewer, and not at once."""
        with self._database.alone() as connection:
            now = self._database.now(connection, self._clock.now())
            connection.execute(
                update(orders)
                .where(orders.c.campaign == campaign)
                .values(
                    lanes_now=func.greatest(1, orders.c.lanes_now - 1),
                    crowded_until=stamp(now + _CROWDED_PAUSE),
                )
            )

    def dialled_for(self, order_id: str) -> int:
        """Calls that the whole fleet has placed for an order."""
        summed = select(func.coalesce(func.sum(crew.c.dialled), 0))
        with self._database.reading() as connection:
            return int(connection.execute(summed.where(crew.c.order_id == order_id)).scalar_one())

    def _look(self, order_id: str, campaign: str) -> NotNow | None:
        with self._database.at_a_glance() as connection:
            seen = _survey(connection, campaign, order_id, statement=_GLANCE)
        if seen is None or (wait_s := _wait_s(seen)) is None:
            return None
        return NotNow(wait_s, seen.is_outranked)


# an order that lets somebody be called, what is on at this moment, and what came of it so far
_IS_ON = attempts.c.attempt_id.not_in(bindparam("of_ended", expanding=True))
_LINES = (
    select(
        # of every campaign: the plan's lines are the account's
        func.count().filter(_IS_ON).label("on_a_line"),
        func.count().filter(_IN_CAMPAIGN).label("under_way"),
        func.count()
        .filter(_IN_CAMPAIGN, attempts.c.state != AttemptState.PLACED.value)
        .label("unplaced"),
    )
    .where(IS_OPEN, _MAY_BE_ON)
    .subquery()
)
_SUMS = (
    select(
        *(
            func.coalesce(func.sum(column), 0).label(f"{column.name}_in_all")
            for column in (crew.c.dialled, crew.c.ended, crew.c.failed, crew.c.cost_usd)
        )
    )
    .where(crew.c.order_id == bindparam("of_order"))
    .subquery()
)
_SURVEY = (
    select(orders, func.clock_timestamp().label("now"), _LINES, _SUMS)
    .select_from(orders.join(_LINES, true()).join(_SUMS, true()))  # one row each
    .where(
        orders.c.campaign == bindparam("of_campaign"),
        orders.c.order_id == bindparam("of_order"),
        orders.c.closed_at.is_(None),
        orders.c.paused_at.is_(None),
    )
)
# the same without a lock, and whether a hand is wanted for something more urgent
_GLANCE = _SURVEY.add_columns(IS_URGENT.label("is_outranked"))


def _survey(
    connection: Connection,
    campaign: str,
    order_id: str,
    ended: Sequence[str] = (),
    statement: Select[Any] = _SURVEY,
) -> Row[Any] | None:
    """All that a turn depends on, of one moment. None: the order is paused, or over."""
    asked = {"of_campaign": campaign, "of_order": order_id, "of_ended": list(ended)}
    return connection.execute(statement, asked).first()


def _wait_s(seen: Row[Any]) -> float | None:
    """Seconds until a line may be free and the pace allows a call; None: now."""
    marks = map(unstamp, (seen.crowded_until, seen.next_dial_at))
    if early := [at for at in marks if at and at > seen.now]:
        return float((max(early) - seen.now).total_seconds())
    return 0.25 if seen.on_a_line >= _widened(seen) else None


def _widened(seen: Row[Any]) -> int:
    """One more line again when the plan has not complained for a while."""
    crowded_until = unstamp(seen.crowded_until)
    if seen.lanes_now >= seen.lanes or crowded_until is None:
        return int(seen.lanes_now)
    steps = int((seen.now - crowded_until) / _WIDEN_AFTER)
    return int(min(seen.lanes, seen.lanes_now + max(0, steps)))


def _use(connection: Connection, seen: Row[Any], since: datetime | None) -> OrderUse:
    today = (0, 0.0) if since is None else _today(connection, since)
    return OrderUse(
        under_way=int(seen.under_way),
        unplaced=int(seen.unplaced),
        dialled=int(seen.dialled_in_all),
        ended=int(seen.ended_in_all),
        failed=int(seen.failed_in_all),
        cost_usd=float(seen.cost_usd_in_all),
        elapsed_s=(seen.now - datetime.fromisoformat(seen.opened_at)).total_seconds(),
        dialled_today=today[0],
        cost_usd_today=today[1],
    )


def _today(connection: Connection, since: datetime) -> tuple[int, float]:
    """Calls begun since then, those under way included, and USD of those that ended."""
    begun = select(func.count(), func.coalesce(func.sum(attempts.c.cost_usd), 0.0)).where(
        attempts.c.claimed_at >= stamp(since),
        attempts.c.conversation_id.is_not(None) | attempts.c.state.in_(_ON_A_LINE[:2]),
    )
    calls, cost_usd = connection.execute(begun).one()
    return int(calls), float(cost_usd)


def _note_dial(connection: Connection, seen: Row[Any], pace_s: float) -> None:
    values: dict[str, object] = {}
    if pace_s:
        values["next_dial_at"] = stamp(seen.now + timedelta(seconds=pace_s))
    if (lanes := _widened(seen)) != seen.lanes_now:
        values |= {"lanes_now": lanes, "crowded_until": stamp(seen.now)}
    if values:
        connection.execute(
            update(orders).where(orders.c.campaign == seen.campaign).values(**values)
        )
