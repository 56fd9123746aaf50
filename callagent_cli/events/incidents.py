"""Which facts a person must hear of, and when. Pure: events in, alerts out.

An outage of one service is one incident: told when it begins, every `repeat_interval_s` while it
lasts, and when it ends. A failed call is told at once; more of the same wait for a digest, and
none is told while an incident of its service already says why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.event import Event, EventName, FieldValue


@dataclass(frozen=True, slots=True)
class Throttle:
    repeat_interval_s: float = 1800.0
    digest_interval_s: float = 300.0


@dataclass(slots=True)
class _Incident:
    began_at: datetime
    error: str
    told_at: datetime
    deferred: int = 0
    failed: int = 0
    is_refused: bool = False


@dataclass(slots=True)
class _Digest:
    told_at: datetime
    count: int = 0
    contacts: list[str] = field(default_factory=list)
    error: str = ""


class Incidents:
    """Feed it every event; ask it what is due. Not thread-safe: its desk calls it."""

    def __init__(self, throttle: Throttle) -> None:
        self._repeat = timedelta(seconds=throttle.repeat_interval_s)
        self._digest = timedelta(seconds=throttle.digest_interval_s)
        self._incidents: dict[str, _Incident] = {}
        self._failures: dict[str, _Digest] = {}
        self._hearers: Mapping[EventName, Callable[[Event], list[Alert]]] = {
            EventName.BREAKER_OPENED: self._opened,
            EventName.BREAKER_CLOSED: self._closed,
            EventName.CONTACT_FAILED: self._failed,
            EventName.CONTACT_DEFERRED: self._deferred,
            EventName.CALL_IN_DOUBT: self._in_doubt,
            EventName.RUN_FINISHED: self._finished,
        }

    def hear(self, event: Event) -> list[Alert]:
        hearer = self._hearers.get(event.name)
        return hearer(event) if hearer else []

    def due(self, now: datetime) -> list[Alert]:
        """Reminders and digests whose time has come."""
        alerts = []
        for service, incident in self._incidents.items():
            if now >= incident.told_at + self._repeat:
                incident.told_at = now
                alerts.append(_ongoing(service, incident, now))
        for service, digest in self._failures.items():
            if digest.count and now >= digest.told_at + self._digest:
                alerts.append(_digest_of(service, digest, now))
                digest.told_at, digest.count, digest.contacts = now, 0, []
        return alerts

    def next_due_at(self) -> datetime | None:
        times = [incident.told_at + self._repeat for incident in self._incidents.values()]
        times += [d.told_at + self._digest for d in self._failures.values() if d.count]
        return min(times, default=None)

    def _opened(self, event: Event) -> list[Alert]:
        service = _text(event, "service")
        if service in self._incidents:
            return []  # a trial failed, or a probation: the same outage
        is_refused = (
            bool(event.fields.get("is_forced")) or _text(event, "breaker_state") == "forced_open"
        )
        incident = _Incident(event.at, _text(event, "error"), event.at, is_refused=is_refused)
        self._incidents[service] = incident
        return [_refused(service, incident) if is_refused else _began(service, incident)]

    def _closed(self, event: Event) -> list[Alert]:
        service = _text(event, "service")
        incident = self._incidents.pop(service, None)
        return [_recovered(service, incident, event.at)] if incident else []

    def _failed(self, event: Event) -> list[Alert]:
        service = _text(event, "service")
        if incident := self._incidents.get(service):
            incident.failed += 1
            return []
        digest = self._failures.get(service)
        if digest is None or event.at >= digest.told_at + self._digest:
            self._failures[service] = _Digest(event.at)
            return [_call_failed(event)]
        digest.count += 1
        digest.error = _text(event, "error")
        digest.contacts.append(_text(event, "contact_id"))
        return []

    def _deferred(self, event: Event) -> list[Alert]:
        if incident := self._incidents.get(_text(event, "service")):
            incident.deferred += int(event.fields.get("contacts") or 1)
        return []

    def _in_doubt(self, event: Event) -> list[Alert]:
        return [_doubt(event)]

    def _finished(self, event: Event) -> list[Alert]:
        return [_finished(event)]


def _text(event: Event, name: str) -> str:
    return str(event.fields.get(name, ""))


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _lasted(began: datetime, ended: datetime) -> str:
    seconds = (ended - began).total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _began(service: str, incident: _Incident) -> Alert:
    return Alert(
        key=f"{service}:{incident.began_at.isoformat()}:opened",
        kind=AlertKind.INCIDENT_OPENED,
        at=incident.began_at,
        service=service,
        title=f"{service} is down",
        happened=f"since {_clock(incident.began_at)} its requests fail: {incident.error}",
        meaning="no further contact is called; those waiting are kept and deferred",
        automatic="callagent checks the service and goes on by itself when it is back",
        todo="nothing yet; if it lasts, look at the provider's status page",
        command="callagent health",
    )


def _refused(service: str, incident: _Incident) -> Alert:
    return Alert(
        key=f"{service}:{incident.began_at.isoformat()}:refused",
        kind=AlertKind.REFUSED,
        at=incident.began_at,
        service=service,
        title=f"{service} refuses us: {incident.error}",
        happened=f"at {_clock(incident.began_at)}: {incident.error}",
        meaning="the run has ended; contacts not yet called are kept",
        automatic="nothing: only a person can mend this",
        todo="correct the key, the account or the settings, then start the same command again",
        command="callagent health",
    )


def _ongoing(service: str, incident: _Incident, now: datetime) -> Alert:
    return Alert(
        key=f"{service}:{incident.began_at.isoformat()}:ongoing:{now.isoformat()}",
        kind=AlertKind.INCIDENT_ONGOING,
        at=now,
        service=service,
        title=f"{service} is still down, for {_lasted(incident.began_at, now)}",
        happened=f"since {_clock(incident.began_at)}: {incident.error}",
        meaning=f"{incident.deferred} contacts deferred, {incident.failed} failed so far",
        automatic="callagent goes on checking and resumes by itself",
        todo="look at the provider's status page; the run may be stopped and resumed at any time",
        command="callagent status",
    )


def _recovered(service: str, incident: _Incident, now: datetime) -> Alert:
    return Alert(
        key=f"{service}:{incident.began_at.isoformat()}:recovered",
        kind=AlertKind.INCIDENT_RECOVERED,
        at=now,
        service=service,
        title=f"{service} is back after {_lasted(incident.began_at, now)}",
        happened=f"down from {_clock(incident.began_at)} to {_clock(now)}",
        meaning=f"{incident.deferred} contacts were deferred and are called now; "
        f"{incident.failed} failed",
        automatic="calls go on",
        todo="nothing",
    )


def _call_failed(event: Event) -> Alert:
    contact, tries = _text(event, "contact_id"), _text(event, "tries")
    return Alert(
        key=f"failed:{_text(event, 'attempt_id')}",
        kind=AlertKind.CALL_FAILED,
        at=event.at,
        service=_text(event, "service"),
        title=f"the call to {contact} failed",
        happened=f"at {_clock(event.at)}, after {tries} requests: {_text(event, 'error')}",
        meaning="no phone rang; the next contact follows",
        automatic="a failure that may pass is tried again in the next run",
        todo="nothing for a passing failure; else correct the contact",
        command=f"callagent report {_text(event, 'campaign')}",
    )


def _digest_of(service: str, digest: _Digest, now: datetime) -> Alert:
    shown = ", ".join(digest.contacts[:5]) + (" …" if digest.count > 5 else "")
    return Alert(
        key=f"failed:{service}:{digest.told_at.isoformat()}",
        kind=AlertKind.CALLS_FAILED_DIGEST,
        at=now,
        service=service,
        title=f"{digest.count} more calls failed",
        happened=f"since {_clock(digest.told_at)}: {shown}; the last one: {digest.error}",
        meaning="no phone rang for them; the campaign goes on",
        automatic="failures that may pass are tried again in the next run",
        todo="look at the causes in the report",
        command="callagent report CAMPAIGN",
    )


def _doubt(event: Event) -> Alert:
    attempt_id: FieldValue = event.fields.get("attempt_id", "")
    return Alert(
        key=f"doubt:{attempt_id}",
        kind=AlertKind.IN_DOUBT,
        at=event.at,
        service=_text(event, "service"),
        title=f"a call to {_text(event, 'contact_id')} is in doubt",
        happened=f"at {_clock(event.at)}: {_text(event, 'error')}",
        meaning="the phone may have rung; this contact is not called again",
        automatic="the provider is asked for the call at once, after 30 s, 2 min and 10 min",
        todo="if it stays in doubt, find out and settle it",
        command="callagent review",
    )


def _finished(event: Event) -> Alert:
    campaign = _text(event, "campaign")
    return Alert(
        key=f"finished:{_text(event, 'run_id')}",
        kind=AlertKind.CAMPAIGN_FINISHED,
        at=event.at,
        service="",
        title=f"{campaign}: {_text(event, 'reason')}",
        happened=f"the run ended at {_clock(event.at)} with exit status {_text(event, 'exit_status')}",
        meaning=f"{_text(event, 'dialled')} called, {_text(event, 'remaining')} remaining",
        automatic="the next run goes on where this one ended",
        todo="look at the report",
        command=f"callagent report {campaign}",
    )
