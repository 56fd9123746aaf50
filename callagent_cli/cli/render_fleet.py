"""What `callagent status` shows of a fleet: who is at work, on what, and how much waits."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from callagent_cli.cli.tables import plain_table
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.fleet_records import FleetNow, Member, Order, QueueDepth

_IDLE = QueueDepth("", 0, 0)


def workers_table(fleet: FleetNow, now: datetime) -> Table:
    table = plain_table("worker", "version", "works on", "calls", "called", "heard of", "")
    for member in fleet.members:
        table.add_row(
            Text(one_line(f"{member.host}:{member.pid}", 80), style="bold"),
            Text(one_line(member.version, 20)),
            Text(one_line(member.campaign, 64)),
            str(member.lanes),
            str(member.dialled),
            f"{duration_text(_age_s(member, now))} ago",
            Text(_what(member)),
        )
    return table


def order_lines(fleet: FleetNow) -> Iterator[str]:
    """One for each campaign that is ordered."""
    depths = {depth.campaign: depth for depth in fleet.queues}
    for order in fleet.orders:
        depth = depths.get(order.campaign, _IDLE)
        said = f"{order.campaign}: {_standing(order)}, {_calls(order.lanes)}"
        yield one_line(f"{said}; {depth.in_hand} in hand, {depth.waiting} next", 300)


def fleet_json(fleet: FleetNow, now: datetime) -> dict[str, Any]:
    depths = {depth.campaign: depth for depth in fleet.queues}
    return {
        "orders": [_order(order, depths.get(order.campaign, _IDLE)) for order in fleet.orders],
        "workers": [_member(member, now) for member in fleet.members],
    }


def _order(order: Order, depth: QueueDepth) -> dict[str, object]:
    paused_at = order.paused_at
    return {
        "campaign": order.campaign,
        "opened_at": order.opened_at.isoformat(timespec="milliseconds"),
        "paused_at": paused_at.isoformat(timespec="milliseconds") if paused_at else None,
        "reason": mask_phones(order.reason),
        "concurrency": order.lanes,
        "queued": depth.waiting,
        "in_hand": depth.in_hand,
    }


def _member(member: Member, now: datetime) -> dict[str, object]:
    return {
        "run_id": member.run_id,
        "role": member.role,
        "campaign": member.campaign,
        "host": member.host,
        "pid": member.pid,
        "version": member.version,
        "concurrency": member.lanes,
        "state": member.state,
        "started_at": member.started_at.isoformat(timespec="milliseconds"),
        "heartbeat_age_s": round(_age_s(member, now), 1),
        "dialled": member.dialled,
        "is_leader": member.is_leader,
    }


def _standing(order: Order) -> str:
    if order.paused_at is None:
        return f"ordered at {order.opened_at:%H:%M} UTC"
    return f"paused at {order.paused_at:%H:%M} UTC, {mask_phones(order.reason)}"


def _calls(lanes: int) -> str:
    return f"{lanes} {'call' if lanes == 1 else 'calls'} at the same time"


def _what(member: Member) -> str:
    said = [member.role if member.role != "worker" else "", member.state]
    if member.is_leader:
        said.append("leads")
    return ", ".join(word for word in said if word and word != "working")


def _age_s(member: Member, now: datetime) -> float:
    return max(0.0, (now - member.seen_at).total_seconds())
