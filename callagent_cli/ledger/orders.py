"""Orders: which campaigns the fleet works on now, and within which limits."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from callagent_cli.domain.call import AttemptState
from callagent_cli.domain.clock import Clock
from callagent_cli.ledger.database import Database, stamp, unstamp
from callagent_cli.ledger.fleet_records import Order
from callagent_cli.ledger.fleet_schema import crew, orders
from callagent_cli.ledger.queue import forget_jobs, is_settled
from callagent_cli.ledger.schema import IS_OPEN, attempts, runs
from callagent_cli.ledger.shared_lease import DEAD_AFTER
from callagent_cli.ledger.upsert import upsert

IS_OPEN_ORDER = orders.c.closed_at.is_(None)
_OPEN_ORDERS = select(orders).where(IS_OPEN_ORDER).order_by(orders.c.opened_at)


class Orders:
    _database: Database
    _clock: Clock

    def open_order(
        self,
        campaign: str,
        *,
        lanes: int,
        limits: Mapping[str, Any],
        only: Collection[str] | None = None,
        looks: int = 0,
    ) -> tuple[Order, bool]:
        """The order of a campaign, and whether it was opened here and now. One that is paused,
        or that somebody works on, stays as it is: whoever comes later joins it.

        looks: how often the provider is asked for an attempt in doubt; a new order asks once
        more for those that were asked for in vain.
        """
        with self._database.alone() as connection:
            known = self._order(connection, campaign)
            at = self._database.now(connection, self._clock.now())
            if known is not None and _is_joined(connection, known, at):
                return known, False
            now = stamp(at)
            values = {
                "order_id": f"order_{secrets.token_hex(6)}",
                "opened_at": now,
                "closed_at": None,
                "paused_at": None,
                "reason": "",
                "lanes": lanes,
                "lanes_now": lanes,
                "crowded_until": "",
                "next_dial_at": "",
                "limits": dict(limits),
                "only": None if only is None else sorted(only),
            }
            _look_once_more(connection, campaign, looks)
            put = upsert(connection, orders).values(campaign=campaign, **values)
            connection.execute(put.on_conflict_do_update(index_elements=["campaign"], set_=values))
            opened = self._order(connection, campaign)
        if opened is None:  # pragma: no cover - it was written a line above
            raise AssertionError(campaign)
        return opened, True

    def order(self, campaign: str) -> Order | None:
        """The latest one of a campaign, open or not."""
        with self._database.at_a_glance() as connection:
            return self._order(connection, campaign)

    def open_orders(self) -> list[Order]:
        with self._database.at_a_glance() as connection:
            return [_order(row) for row in connection.execute(_OPEN_ORDERS)]

    def close_order(self, campaign: str, order_id: str, reason: str) -> bool:
        """Nobody more is called for it. False: somebody else has closed it."""
        with self._database.alone() as connection:
            return self._close(connection, campaign, order_id, reason)

    def close_settled(self, campaign: str, order_id: str, reason: str, *, looks: int) -> bool:
        """As `close_order`; also False when a run has joined it with contacts that are due, now
        or later: a run takes its contacts in before it joins."""
        with self._database.alone() as connection:
            if not is_settled(connection, campaign, looks):
                return False
            return self._close(connection, campaign, order_id, reason)

    def _close(self, connection: Connection, campaign: str, order_id: str, reason: str) -> bool:
        now = stamp(self._database.now(connection, self._clock.now()))
        this = update(orders).where(
            orders.c.campaign == campaign, orders.c.order_id == order_id, IS_OPEN_ORDER
        )
        is_done = connection.execute(this.values(closed_at=now, reason=reason)).rowcount == 1
        if is_done:
            forget_jobs(connection, campaign)
        return is_done

    def pause(self, campaign: str, reason: str) -> bool:
        """For every worker: calls under way are followed to their end, no other is begun.
        False: there is no open order, or it is paused already."""
        with self._database.alone() as connection:
            now = stamp(self._database.now(connection, self._clock.now()))
            going = update(orders).where(
                orders.c.campaign == campaign, IS_OPEN_ORDER, orders.c.paused_at.is_(None)
            )
            is_done = connection.execute(going.values(paused_at=now, reason=reason)).rowcount == 1
            if is_done:
                forget_jobs(connection, campaign)
        return is_done

    def resume(self, campaign: str) -> bool:
        """False: there is no paused order."""
        with self._database.alone() as connection:
            paused = update(orders).where(
                orders.c.campaign == campaign, IS_OPEN_ORDER, orders.c.paused_at.is_not(None)
            )
            return connection.execute(paused.values(paused_at=None, reason="")).rowcount == 1

    def _order(self, connection: Connection, campaign: str) -> Order | None:
        row = connection.execute(select(orders).where(orders.c.campaign == campaign)).first()
        return _order(row) if row is not None else None


def _is_joined(connection: Connection, order: Order, now: datetime) -> bool:
    if order.closed_at is not None:
        return False
    alive = select(crew.c.run_id).join(runs, runs.c.run_id == crew.c.run_id)
    working = alive.where(
        crew.c.order_id == order.order_id,
        runs.c.ended_at.is_(None),
        runs.c.heartbeat_at > stamp(now - DEAD_AFTER),
    )
    return order.paused_at is not None or connection.execute(working).first() is not None


def _look_once_more(connection: Connection, campaign: str, looks: int) -> None:
    asked = update(attempts).where(
        attempts.c.campaign == campaign,
        IS_OPEN,
        attempts.c.state == AttemptState.UNKNOWN.value,
        attempts.c.looked_up >= looks,
    )
    if looks:
        connection.execute(asked.values(looked_up=looks - 1))


def _order(row: Row[Any]) -> Order:
    return Order(
        campaign=row.campaign,
        order_id=row.order_id,
        opened_at=datetime.fromisoformat(row.opened_at),
        lanes=row.lanes,
        limits=row.limits,
        only=row.only,
        paused_at=unstamp(row.paused_at),
        closed_at=unstamp(row.closed_at),
        reason=row.reason,
    )
