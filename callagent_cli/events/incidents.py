"""Which of all events a person must hear of, once an incident. Pure: events in, alerts out.

An incident is a (service, kind) from the first trip of its breaker to the first real success.
While it is open everything that follows from it is counted and not told: that is what its
`still down` and `recovered` alerts are for. The call whose failure opened it is told. What fails
without an incident is told at once the first time, then together, once a digest interval.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from callagent_cli.domain.alert import Alert, Incident
from callagent_cli.domain.event import PROOFS, Event, EventName
from callagent_cli.events import alert_texts as texts
from callagent_cli.events.alert_texts import Counts

_SAME_MOMENT = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Throttle:
    repeat_interval_s: float = 1800.0  # between two `still down` of one incident
    digest_interval_s: float = 300.0  # between two alerts about single calls


@dataclass(slots=True)
class _Open:
    service: str
    is_refusal: bool  # a person must act, not time
    opened_at: datetime
    error: str
    told_at: datetime
    repeats: int = 0
    counts: Counts = field(default_factory=Counts)
    on_probation_since: datetime | None = None  # closed by probes, not yet by a real success
    is_inherited: bool = False  # an earlier run told it; this one has not met it yet

    @property
    def is_ended_by_proof(self) -> bool:
        return self.is_inherited or self.on_probation_since is not None


@dataclass(slots=True)
class _Digest:
    """Calls of one kind that failed since the last alert about them."""

    since: datetime
    untold: list[Event] = field(default_factory=list)


class Incidents:
    """Not thread-safe: its owner keeps one caller at a time."""

    def __init__(self, throttle: Throttle = Throttle()) -> None:
        self._repeat = timedelta(seconds=throttle.repeat_interval_s)
        self._digest_every = timedelta(seconds=throttle.digest_interval_s)
        self._open: dict[str, _Open] = {}
        self._digests: dict[tuple[str, str, str], _Digest] = {}

    def take_up(self, incidents: Iterable[Incident]) -> None:
        """Go on with what earlier runs told. Their services end it with their first answer."""
        for known in incidents:
            self._open[known.service] = _Open(
                service=known.service,
                is_refusal=known.is_refusal,
                opened_at=known.opened_at,
                error=known.error,
                told_at=known.told_at,
                repeats=known.repeats,
                counts=Counts(**known.counts),
                is_inherited=True,
            )

    def begin_anew(self, incidents: Iterable[Incident]) -> None:
        """As `take_up`, forgetting what was heard before."""
        self._open.clear()
        self.take_up(incidents)

    def standing(self) -> list[Incident]:
        """All that are open."""
        return [
            Incident(
                service=incident.service,
                is_refusal=incident.is_refusal,
                opened_at=incident.opened_at,
                told_at=incident.told_at,
                error=incident.error,
                repeats=incident.repeats,
                counts=asdict(incident.counts),
            )
            for incident in self._open.values()
        ]

    def hear(self, event: Event) -> list[Alert]:
        """The alerts that this event calls for, now."""
        match event.name:
            case EventName.BREAKER_OPENED | EventName.LEDGER_MISSED:
                return self._opened(event)
            case EventName.BREAKER_CLOSED | EventName.LEDGER_FOUND:
                return self._closed(event)
            case EventName.CONTACT_FAILED | EventName.CALL_IN_DOUBT:
                return self._call_went_wrong(event)
            case EventName.DELIVERY_DEAD_LETTERED:
                return self._tell_or_collect(event)
            case EventName.CONTACT_DEFERRED | EventName.HEALTH_FAILED:
                return self._count(event)
            case EventName.CALL_RECONCILED if int(event.fields.get("matches") or 0) > 1:
                return [texts.placed_twice(event)]
            case EventName.RUN_HALTED:
                return [texts.halted(event)]
            case EventName.RUN_FINISHED:
                return [*self.rest(event.at), *self._finished(event)]
            case name if name in PROOFS:
                return self._proved(event)
            case _:
                return []

    def prove(self, service: str, now: datetime) -> list[Alert]:
        """Another process of the fleet has had a real answer."""
        incident = self._open.get(service)
        if incident is None or not incident.is_ended_by_proof:
            return []
        return self._recover(incident, now)

    def due(self, now: datetime) -> list[Alert]:
        """The alerts that time calls for: still down, recovered for good, digests."""
        alerts = []
        for incident in self._met():
            if self._due_at(incident) > now:
                continue
            alerts += self._recover(incident, now) if incident.on_probation_since else []
            if incident.service in self._open:
                alerts.append(self._repeat_of(incident, now))
        for kind, digest in list(self._digests.items()):
            if digest.since + self._digest_every <= now:
                alerts += self._tell_digest(kind, digest, now)
        return alerts

    def next_due_at(self) -> datetime | None:
        """When `due` has something to say, if nothing happens before; None: never."""
        times = [self._due_at(incident) for incident in self._met()]
        times += [digest.since + self._digest_every for digest in self._digests.values()]
        return min(times, default=None)

    def rest(self, now: datetime) -> list[Alert]:
        """What is owed when a run ends: recoveries on probation, and digests before their time."""
        alerts = []
        for incident in [i for i in self._open.values() if i.on_probation_since]:
            alerts += self._recover(incident, now)
        for kind, digest in list(self._digests.items()):
            alerts += self._tell_digest(kind, digest, now)
        return alerts

    def _opened(self, event: Event) -> list[Alert]:
        if event.fields.get("is_held") is True:
            return []  # by a person, who knows
        service, known = texts.service_of(event), self._open.get(texts.service_of(event))
        is_refusal = event.fields.get("is_forced") is True
        if known is not None:
            known.on_probation_since, known.is_inherited = None, False
            if known.is_refusal or not is_refusal:
                return []  # the same incident: a trial or the probation failed
        incident = _Open(
            service=service,
            is_refusal=is_refusal,
            opened_at=known.opened_at if known else _began_at(event),
            error=_text(event, "error"),
            told_at=event.at,
            counts=known.counts if known else Counts(),
        )
        self._open[service] = incident
        self._hold_back(incident)
        tell = texts.refused if is_refusal else texts.opened
        return [tell(event, incident.opened_at, incident.error)]

    def _hold_back(self, incident: _Open) -> None:
        """Failures not told yet belong to the incident that has just begun."""
        for kind in [kind for kind in self._digests if kind[1] == incident.service]:
            for event in self._digests.pop(kind).untold:
                _add(incident.counts, event)

    def _closed(self, event: Event) -> list[Alert]:
        incident = self._open.get(texts.service_of(event))
        if incident is None:
            return []
        if event.fields.get("is_on_probation") is True:
            incident.on_probation_since = event.at
            return []
        return self._recover(incident, event.at)

    def _proved(self, event: Event) -> list[Alert]:
        """A real success ends the incidents whose breaker is closed on probation."""
        meant = event.fields.get("service")
        services = list(self._open) if meant is None else [str(meant)]
        return [alert for service in services for alert in self.prove(service, event.at)]

    def _recover(self, incident: _Open, now: datetime) -> list[Alert]:
        del self._open[incident.service]
        ended_at = incident.on_probation_since or now
        about = (incident.service, incident.opened_at, ended_at, incident.counts)
        return [texts.recovered(now, *about)]

    def _call_went_wrong(self, event: Event) -> list[Alert]:
        incident = self._open.get(texts.service_of(event))
        if incident is not None:
            is_told = _has_opened(incident, event)
            _add(incident.counts, event)
            return [_tell_of(event)(event)] if is_told else []
        return self._tell_or_collect(event)

    def _tell_or_collect(self, event: Event) -> list[Alert]:
        """The first of a kind at once, more of it with the next digest."""
        kind = (event.name.value, texts.service_of(event), _text(event, "error_category"))
        if kind in self._digests:
            self._digests[kind].untold.append(event)
            return []
        self._digests[kind] = _Digest(since=event.at)
        return [_tell_of(event)(event)]

    def _count(self, event: Event) -> list[Alert]:
        incident = self._open.get(texts.service_of(event))
        if incident is not None:
            _add(incident.counts, event)
        return []

    def _finished(self, event: Event) -> list[Alert]:
        return [texts.finished(event)] if texts.is_worth_telling(event) else []

    def _tell_digest(
        self, kind: tuple[str, str, str], digest: _Digest, now: datetime
    ) -> list[Alert]:
        """Tell what has come together and go on collecting; nothing came: the next is told
        at once again."""
        del self._digests[kind]
        if not digest.untold:
            return []
        self._digests[kind] = _Digest(since=now)
        if len(digest.untold) == 1:
            return [_tell_of(digest.untold[0])(digest.untold[0])]
        return [texts.digest(digest.untold, digest.since, now)]

    def _repeat_of(self, incident: _Open, now: datetime) -> Alert:
        incident.repeats += 1
        incident.told_at = now
        about = (incident.service, incident.opened_at, incident.error, incident.counts)
        return texts.ongoing(now, *about, repeats=incident.repeats)

    def _met(self) -> list["_Open"]:
        """The incidents that this run knows to be on."""
        return [incident for incident in self._open.values() if not incident.is_inherited]

    def _due_at(self, incident: _Open) -> datetime:
        if incident.on_probation_since:
            return incident.on_probation_since + self._digest_every
        return incident.told_at + self._repeat


def _began_at(event: Event) -> datetime:
    """A breaker opens at once; of a lost ledger a person is told after a while."""
    if event.name is EventName.LEDGER_MISSED:
        return event.at - timedelta(milliseconds=float(event.fields.get("elapsed_ms") or 0))
    return event.at


def _has_opened(incident: _Open, event: Event) -> bool:
    """A call whose own failure opened the breaker failed before the incident, not in it."""
    is_first = incident.counts.failed == incident.counts.deferred == 0
    is_failure = event.name is EventName.CONTACT_FAILED
    return is_failure and is_first and event.at - incident.opened_at <= _SAME_MOMENT


def _tell_of(event: Event) -> Callable[[Event], Alert]:
    match event.name:
        case EventName.CONTACT_FAILED:
            return texts.call_failed
        case EventName.DELIVERY_DEAD_LETTERED:
            return texts.given_up
        case _:
            return texts.in_doubt


def _add(counts: Counts, event: Event) -> None:
    match event.name:
        case EventName.CONTACT_FAILED:
            counts.failed += 1
        case EventName.CALL_IN_DOUBT:
            counts.in_doubt += 1
        case EventName.CONTACT_DEFERRED:
            counts.deferred += int(event.fields.get("contacts") or 1)
        case _:
            counts.failed_probes += 1


def _text(event: Event, name: str) -> str:
    return str(event.fields.get(name, ""))
