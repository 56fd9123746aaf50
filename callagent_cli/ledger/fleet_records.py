"""What a fleet's ledger hands out: small frozen rows, no SQL in sight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Order:
    """A campaign that is to be worked on."""

    campaign: str
    order_id: str
    opened_at: datetime
    lanes: int  # calls at the same time, of the whole fleet
    limits: Mapping[str, Any]  # of the run that opened it
    only: Sequence[str] | None = None  # contact ids; None: everybody
    paused_at: datetime | None = None
    closed_at: datetime | None = None
    reason: str = ""  # why it is paused or closed


@dataclass(frozen=True, slots=True)
class Member:
    """A run or worker that is alive."""

    run_id: str
    role: str  # run, worker
    campaign: str
    host: str
    pid: int
    version: str
    lanes: int
    state: str  # working, draining
    started_at: datetime
    seen_at: datetime
    dialled: int
    is_leader: bool


@dataclass(frozen=True, slots=True)
class QueueDepth:
    campaign: str
    waiting: int  # jobs to be handed out, at most a short queue's worth
    in_hand: int  # jobs that somebody works on


@dataclass(frozen=True, slots=True)
class FleetNow:
    orders: Sequence[Order]  # that are open
    members: Sequence[Member]
    queues: Sequence[QueueDepth]
