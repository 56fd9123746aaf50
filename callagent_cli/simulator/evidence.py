"""What a simulation is judged by, as plain data: seconds since it began, names, counts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.reception import Arrival, Reception, Visit

WAITS_S: Mapping[str, float] = {"crm": 10.0, "llm": 20.0}  # as configured by default
_CARRIED_OUT = frozenset(
    {FaultKind.TIMEOUT, FaultKind.RESET_AFTER, FaultKind.GARBAGE, FaultKind.SLOW}
)


@dataclass(frozen=True, slots=True)
class SeenDial:
    """A dial as the world saw it."""

    at_s: float
    number: str
    attempt_id: str
    was_placed: bool  # a phone rang


@dataclass(frozen=True, slots=True)
class SeenOutage:
    """From the first request to a service that went wrong to the next one that did not; None:
    none came. failed: requests that went wrong; lost: those of them that were carried out all
    the same, so that who asked could not know."""

    service: str
    began_s: float
    ended_s: float | None
    failed: int
    lost: int = 0

    def has(self, at_s: float) -> bool:
        return self.began_s <= at_s and (self.ended_s is None or at_s < self.ended_s)


@dataclass(frozen=True, slots=True)
class SeenArrival:
    """What a service took and kept; see the services' own words for kind and key."""

    at_s: float
    service: str
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Around:
    """The services around the call. still_owed: by destination, what the ledger keeps at the
    end. waits_s: how long a call waits at most for each that is asked before it."""

    outages: Sequence[SeenOutage] = ()
    arrivals: Sequence[SeenArrival] = ()
    still_owed: Mapping[str, int] = field(default_factory=dict)
    waits_s: Mapping[str, float] = field(default_factory=lambda: dict(WAITS_S))

    @property
    def failing(self) -> list[str]:
        """Services, in the order in which they failed."""
        return list(dict.fromkeys(outage.service for outage in self.outages))


@dataclass(frozen=True, slots=True)
class Verdict:
    promise: str
    holds: bool
    evidence: str

    def to_json(self) -> dict[str, object]:
        return {"promise": self.promise, "holds": self.holds, "evidence": self.evidence}


def around_of(
    receptions: Iterable[Reception],
    began: datetime,
    *,
    still_owed: Mapping[str, int] | None = None,
    waits_s: Mapping[str, float] | None = None,
) -> Around:
    """What the services saw. began: of the simulation. The rest as in Around."""
    receptions = tuple(receptions)
    outages = [one for reception in receptions for one in _outages(reception, began)]
    arrivals = [one for reception in receptions for one in _arrivals(reception.arrivals, began)]
    return Around(
        sorted(outages, key=lambda outage: outage.began_s),
        sorted(arrivals, key=lambda arrival: arrival.at_s),  # stable: a service's stay in order
        dict(still_owed or {}),
        dict(WAITS_S if waits_s is None else waits_s),
    )


def _outages(reception: Reception, began: datetime) -> Iterator[SeenOutage]:
    failed: list[Visit] = []
    for visit in reception.visits:
        if visit.fault is not None:
            failed.append(visit)
        elif failed:
            yield _outage(reception.service, failed, visit.at, began)
            failed = []
    if failed:
        yield _outage(reception.service, failed, None, began)


def _outage(
    service: str, failed: Sequence[Visit], ended: datetime | None, began: datetime
) -> SeenOutage:
    return SeenOutage(
        service,
        began_s=(failed[0].at - began).total_seconds(),
        ended_s=None if ended is None else (ended - began).total_seconds(),
        failed=len(failed),
        lost=sum(visit.fault in _CARRIED_OUT for visit in failed),
    )


def _arrivals(arrivals: Iterable[Arrival], began: datetime) -> Iterator[SeenArrival]:
    for one in arrivals:
        yield SeenArrival((one.at - began).total_seconds(), one.service, one.kind, one.key)
