"""Turns: who may call now, of a fleet. Looked at and taken in one transaction, so that lanes,
pace, caps and budgets hold exactly, however many workers there are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from callagent_cli.domain.call import AttemptState, Claim, Ticket
from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.attempt_book import claimed
from callagent_cli.ledger.contact_book import HAS_OPEN_ATTEMPT
from callagent_cli.ledger.database import Conflict, Database, stamp, unstamp
from callagent_cli.ledger.fleet_schema import crew, orders
from callagent_cli.ledger.open_attempts import WITH_CONTACT, ticket_of
from callagent_cli.ledger.records import Candidate
from callagent_cli.ledger.schema import IS_OPEN, IS_WAITING, attempts, contacts, runs
from callagent_cli.ledger.standings import Standings

_ON_A_LINE = (AttemptState.CLAIMED.value, AttemptState.DIALING.value, AttemptState.PLACED.value)
# also who may be ringing, for all that is known: until the provider has been asked twice
_MAY_BE_ON = attempts.c.state.in_(_ON_A_LINE) | (
    (attempts.c.state == AttemptState.UNKNOWN.value) & (attempts.c.looked_up < 2)
)
_CROWDED_PAUSE = timedelta(seconds=30)  # after a 429 of our own plan, before another call
_WIDEN_AFTER = timedelta(seconds=300)  # without such a 429, before one more line is used again


@dataclass(frozen=True, slots=True)
class OrderUse:
    """What an order has used so far, of its limits."""

    order_id: str
    lanes_now: int
    on_a_line: int  # calls of every campaign: the plan's lines are the account's
    under_way: int  # of this one
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
        found = select(contacts).where(
            contacts.c.campaign == campaign,
            contacts.c.position == position,
            IS_WAITING,
            contacts.c.due_at <= stamp(now),
            ~HAS_OPEN_ATTEMPT,
        )
        with self._database.reading() as connection:
            row = connection.execute(found).first()
            return None if row is None else self._candidate(connection, campaign, row)

    def open_attempt_at(self, campaign: str, position: int) -> OpenAttempt | None:
        found = (
            select(attempts, contacts, (runs.c.ended_at.is_not(None) | runs.c.run_id.is_(None)))
            .join(contacts, WITH_CONTACT)
            .outerjoin(runs, runs.c.run_id == attempts.c.run_id)
            .where(contacts.c.campaign == campaign, contacts.c.position == position, IS_OPEN)
        )
        with self._database.reading() as connection:
            row = connection.execute(found).first()
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
    ) -> Claim | NotNow | Reached | NoOrder | None:
        """Claim the contact, if the order lets anybody be called at this moment. None: somebody
        else has the contact or its number, or more is known of it by now.

        since: calls from then on count for today; None: nobody asks. reached: in words, which
        limit forbids another dial. is_hopeful: a line has just become free here.
        """
        self._database.require_sound()
        if not is_hopeful and (refused := self._look(order_id, campaign)) is not None:
            return refused  # most are told so without waiting for the ledger's one lock
        try:
            with self._database.alone() as connection:
                now = self._database.now(connection, self._clock.now())
                row = _order(connection, campaign, order_id)
                if row is None:
                    return NoOrder()
                if (wait_s := _wait_s(connection, row, now)) is not None:
                    return NotNow(wait_s)
                use = _use(connection, row, now, since)
                if (reason := reached(use)) is not None:
                    return Reached(reason, use)
                claim = None
                if self._is_as_known(connection, campaign, candidate):
                    claim = claimed(connection, campaign, candidate, run_id, now)
                if claim is not None:
                    _note_dial(connection, row, now, pace_s)
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

    def _is_as_known(self, connection: Connection, campaign: str, candidate: Candidate) -> bool:
        """Whether the verdict on a contact still rests on all that is known of its number."""
        this = contacts.c.campaign == campaign, contacts.c.phone == candidate.contact.phone
        row = connection.execute(select(contacts).where(*this)).first()
        return row is not None and self._candidate(connection, campaign, row) == candidate

    def _look(self, order_id: str, campaign: str) -> NotNow | None:
        with self._database.reading() as connection:
            row = _order(connection, campaign, order_id)
            if row is None:
                return None
            wait_s = _wait_s(connection, row, self._database.now(connection, self._clock.now()))
            return None if wait_s is None else NotNow(wait_s)


def _order(connection: Connection, campaign: str, order_id: str) -> Row[Any] | None:
    going = select(orders).where(
        orders.c.campaign == campaign,
        orders.c.order_id == order_id,
        orders.c.closed_at.is_(None),
        orders.c.paused_at.is_(None),
    )
    return connection.execute(going).first()


def _wait_s(connection: Connection, row: Row[Any], now: datetime) -> float | None:
    """Seconds until a line may be free and the pace allows a call; None: now."""
    early = [at for at in map(unstamp, (row.crowded_until, row.next_dial_at)) if at and at > now]
    if early:
        return (max(early) - now).total_seconds()
    lanes = _widened(row, now)
    return 0.25 if _on_a_line(connection) >= lanes else None


def _widened(row: Row[Any], now: datetime) -> int:
    """One more line again when the plan has not complained for a while."""
    crowded_until = unstamp(row.crowded_until)
    if row.lanes_now >= row.lanes or crowded_until is None:
        return int(row.lanes_now)
    steps = int((now - crowded_until) / _WIDEN_AFTER)
    return int(min(row.lanes, row.lanes_now + max(0, steps)))


def _on_a_line(connection: Connection, campaign: str | None = None) -> int:
    counted = select(func.count()).where(IS_OPEN, _MAY_BE_ON)
    if campaign is not None:
        counted = counted.where(attempts.c.campaign == campaign)
    return int(connection.execute(counted).scalar_one())


def _use(connection: Connection, row: Row[Any], now: datetime, since: datetime | None) -> OrderUse:
    # First what is under way, then what came of it: a call that is placed between the two counts
    # twice for a moment, never not at all.
    counted = (
        select(attempts.c.state, func.count())
        .where(IS_OPEN, _MAY_BE_ON, attempts.c.campaign == row.campaign)
        .group_by(attempts.c.state)
    )
    by_state = {str(state): int(n) for state, n in connection.execute(counted)}
    sums = [func.coalesce(func.sum(column), 0) for column in _SUMMED]
    dialled, ended, failed, cost_usd = connection.execute(
        select(*sums).where(crew.c.order_id == row.order_id)
    ).one()
    today = (0, 0.0) if since is None else _today(connection, since)
    return OrderUse(
        order_id=row.order_id,
        lanes_now=row.lanes_now,
        on_a_line=_on_a_line(connection),
        under_way=sum(by_state.values()),
        unplaced=sum(by_state.values()) - by_state.get(AttemptState.PLACED.value, 0),
        dialled=int(dialled),
        ended=int(ended),
        failed=int(failed),
        cost_usd=float(cost_usd),
        elapsed_s=(now - datetime.fromisoformat(row.opened_at)).total_seconds(),
        dialled_today=today[0],
        cost_usd_today=today[1],
    )


_SUMMED = (crew.c.dialled, crew.c.ended, crew.c.failed, crew.c.cost_usd)


def _today(connection: Connection, since: datetime) -> tuple[int, float]:
    """Calls begun since then, those under way included, and USD of those that ended."""
    begun = select(func.count(), func.coalesce(func.sum(attempts.c.cost_usd), 0.0)).where(
        attempts.c.claimed_at >= stamp(since),
        attempts.c.conversation_id.is_not(None) | attempts.c.state.in_(_ON_A_LINE[:2]),
    )
    calls, cost_usd = connection.execute(begun).one()
    return int(calls), float(cost_usd)


def _note_dial(connection: Connection, row: Row[Any], now: datetime, pace_s: float) -> None:
    values: dict[str, object] = {}
    if pace_s:
        values["next_dial_at"] = stamp(now + timedelta(seconds=pace_s))
    if (lanes := _widened(row, now)) != row.lanes_now:
        values |= {"lanes_now": lanes, "crowded_until": stamp(now)}
    if values:
        connection.execute(
            update(orders).where(orders.c.campaign == row.campaign).values(**values)
        )
