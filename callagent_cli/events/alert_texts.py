"""What an alert says: what happened and since when, what it means, what callagent does by
itself, what the reader should do. Pure. No secrets, and every number masked.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.duration import duration_text
from callagent_cli.domain.errors import ErrorCategory
from callagent_cli.domain.event import Event, EventName
from callagent_cli.domain.text import one_line
from callagent_cli.events.service_roles import LEDGER, role_of

_STOPPED_BY_HAND = 128  # + the signal's number


@dataclass(slots=True)
class Counts:
    """What followed from an incident."""

    failed: int = 0
    deferred: int = 0
    in_doubt: int = 0
    failed_probes: int = 0

    def __str__(self) -> str:
        told = (
            (self.failed, "failed"),
            (self.deferred, "deferred"),
            (self.in_doubt, "in doubt"),
            (self.failed_probes, "failed health checks"),
        )
        return ", ".join(f"{n} {what}" for n, what in told if n) or "no contact affected"


def opened(event: Event, since: datetime, error: str) -> Alert:
    service, role = service_of(event), role_of(service_of(event))
    return Alert(
        key=_key(AlertKind.INCIDENT_OPENED, service, since),
        kind=AlertKind.INCIDENT_OPENED,
        at=event.at,
        service=service,
        title=f"{service} is down" if service == LEDGER else f"{service} is down: {_short(error)}",
        happened=f"{role.began} at {_clock(since)}; last error: {_said(error)}",
        meaning=role.down,
        automatic=role.automatic,
        todo=f"nothing if this passes by itself; else look {_where(service)}",
        command=_question_to(service),
    )


def ongoing(
    now: datetime, service: str, since: datetime, error: str, counts: Counts, *, repeats: int
) -> Alert:
    lasted = duration_text((now - since).total_seconds())
    return Alert(
        key=f"{_key(AlertKind.INCIDENT_ONGOING, service, since)}:{repeats}",
        kind=AlertKind.INCIDENT_ONGOING,
        at=now,
        service=service,
        title=f"{service} is still down after {lasted}",
        happened=f"since {_clock(since)}: {_said(error)}; so far {counts}",
        meaning=role_of(service).still_down,
        automatic=f"{role_of(service).automatic}; at a run's end the next one goes on",
        todo=f"look {_where(service, 'and at your own network')}",
        command=_question_to(service),
    )


def recovered(
    now: datetime, service: str, since: datetime, ended_at: datetime, counts: Counts
) -> Alert:
    lasted = duration_text((ended_at - since).total_seconds())
    todo, role = "nothing", role_of(service)
    if counts.failed:
        todo = "the next run calls those who failed again; `callagent status` says how else"
    if counts.in_doubt:
        todo = "settle the calls in doubt: ask the person, or look into the provider's call list"
    return Alert(
        key=_key(AlertKind.INCIDENT_RECOVERED, service, since),
        kind=AlertKind.INCIDENT_RECOVERED,
        at=now,
        service=service,
        title=f"{service} is back after {lasted}",
        happened=f"down from {_clock(since)} to {_clock(ended_at)}; {counts}",
        meaning=role.back,
        automatic=role.catches_up,
        todo=todo,
        command="callagent review" if counts.in_doubt else "",
    )


def refused(event: Event, since: datetime, error: str) -> Alert:
    service = _text(event, "service")
    return Alert(
        key=_key(AlertKind.REFUSED, service, since),
        kind=AlertKind.REFUSED,
        at=event.at,
        service=service,
        title=f"{service} refuses every request: {_short(error)}",
        happened=f"at {_clock(event.at)}: {_said(error)}",
        meaning=role_of(service).refused,
        automatic="nothing: asking again cannot mend it",
        todo=f"check the key, the quota and the settings of {service}; then run again",
        command=f"callagent health {shlex.quote(service)}",
    )


def call_failed(event: Event) -> Alert:
    error, is_transient = _text(event, "error"), _is_transient(event)
    automatic, todo = "the next contact follows; the next run calls this one again", "nothing"
    if not is_transient:
        automatic = "the next contact follows; this one is not called again by itself"
        todo = "correct the contact or the agent, then put it back in the queue"
    return Alert(
        key=f"{AlertKind.CALL_FAILED}:{_text(event, 'attempt_id') or event.at.isoformat()}",
        kind=AlertKind.CALL_FAILED,
        at=event.at,
        service=_text(event, "service"),
        title=f"call to {_who(event)} failed: {_short(error)}",
        happened=f"at {_clock(event.at)}{_after_tries(event)}: {_said(error)}",
        meaning="no phone rang" if is_transient else "the provider will not call this contact",
        automatic=automatic,
        todo=todo,
        command=_of_campaign("retry", event) if not is_transient else "",
    )


def in_doubt(event: Event) -> Alert:
    return Alert(
        key=f"{AlertKind.IN_DOUBT}:{_text(event, 'attempt_id') or event.at.isoformat()}",
        kind=AlertKind.IN_DOUBT,
        at=event.at,
        service=_text(event, "service"),
        title=f"call to {_who(event)} is in doubt: it may have rung",
        happened=f"at {_clock(event.at)} its answer was lost: {_said(_text(event, 'error'))}",
        meaning="this contact is not dialled again before somebody knows",
        automatic="callagent looks it up at the provider several times; found means placed",
        todo="if it stays in the list: ask the person, or look into the provider's call list",
        command="callagent review",
    )


def placed_twice(event: Event) -> Alert:
    return Alert(
        key=f"placed_twice:{_text(event, 'attempt_id')}",
        kind=AlertKind.IN_DOUBT,
        at=event.at,
        service=_text(event, "service"),
        title=f"{_text(event, 'matches')} calls to {_who(event)} carry one attempt's id",
        happened=f"seen at {_clock(event.at)} in the provider's list; one request was sent",
        meaning="the person may have been called more than once",
        automatic="the first of them is followed to its end; nobody is dialled again",
        todo="look into the provider's call list, and tell its support",
        command=_of_campaign("report", event),
    )


def given_up(event: Event) -> Alert:
    """A message that became a dead letter."""
    service = _text(event, "service")
    return Alert(
        key=f"{AlertKind.GIVEN_UP}:{service}:{_text(event, 'key')}",
        kind=AlertKind.GIVEN_UP,
        at=event.at,
        service=service,
        title=f"{service} does not take a message: {_short(_text(event, 'error'))}",
        happened=f"at {_clock(event.at)}: {_said(_text(event, 'error'))}",
        meaning="calls are not affected; this message is kept and not sent again by itself",
        automatic="the next messages follow",
        todo="mend the cause, then owe it again, or drop it",
        command="callagent deliveries list",
    )


def digest(events: Sequence[Event], since: datetime, now: datetime) -> Alert:
    """events: at least two, all of one name, service and category."""
    first, n = events[0], len(events)
    if first.name is EventName.DELIVERY_DEAD_LETTERED:
        return _more_given_up(events, now)
    service, is_failure = _text(first, "service"), first.name is EventName.CONTACT_FAILED
    kind = AlertKind.CALLS_FAILED_DIGEST if is_failure else AlertKind.IN_DOUBT
    one = call_failed(first) if is_failure else in_doubt(first)
    who = ", ".join(_who(event) for event in events[:5]) + (", …" if n > 5 else "")
    return Alert(
        key=f"{_key(kind, service, since)}:{_text(first, 'error_category')}",
        kind=kind,
        at=now,
        service=service,
        title=f"{n} more calls {'failed' if is_failure else 'are in doubt'}",
        happened=f"since {_clock(since)}: {who}; the last: {_said(_text(events[-1], 'error'))}",
        meaning=one.meaning,
        automatic=one.automatic,
        todo=one.todo,
        command=one.command,
    )


def halted(event: Event) -> Alert:
    return Alert(
        key=f"{AlertKind.HALTED}:{_text(event, 'run_id')}",
        kind=AlertKind.HALTED,
        at=event.at,
        service="",
        title=f"{_text(event, 'campaign') or 'the campaign'} halted: too many calls fail",
        happened=f"at {_clock(event.at)}: {_said(_text(event, 'reason'))}",
        meaning="something is wrong with all of them; nobody else is called",
        automatic="nothing: the calls under way are followed to their end",
        todo="look at the agent, its phone number and the failed calls; then run again",
        command=_of_campaign("report", event),
    )


def _more_given_up(events: Sequence[Event], now: datetime) -> Alert:
    last = given_up(events[-1])
    n = len(events)
    title = f"{last.service} does not take {n} more messages: {_short(_text(events[-1], 'error'))}"
    return replace(last, key=f"{last.key}:{n}", at=now, title=title)


def finished(event: Event) -> Alert:
    left, dialled = _number(event, "remaining"), _number(event, "dialled")
    campaign, ended = _text(event, "campaign") or "the campaign", "is finished"
    if left:
        ended = f"stopped with {left} {'contact' if left == 1 else 'contacts'} left"
    return Alert(
        key=f"{AlertKind.CAMPAIGN_FINISHED}:{_text(event, 'run_id')}",
        kind=AlertKind.CAMPAIGN_FINISHED,
        at=event.at,
        service="",
        title=f"{campaign} {ended}",
        happened=f"at {_clock(event.at)}, {dialled} called: {_said(_text(event, 'reason'))}",
        meaning=f"exit status {_number(event, 'exit_status')}",
        automatic="the same command goes on where it stopped" if left else "nothing more is due",
        todo="start it again, or let cron do it" if left else "nothing",
        command=_of_campaign("report", event),
    )


def is_worth_telling(event: Event) -> bool:
    """A run that called nobody, as cron starts all night, is no news; nor is one ended by hand."""
    status = _number(event, "exit_status")
    return status < _STOPPED_BY_HAND and (_number(event, "dialled") > 0 or status == 5)


def service_of(event: Event) -> str:
    """Whose outage an event tells of."""
    is_of_ledger = event.name in (EventName.LEDGER_MISSED, EventName.LEDGER_FOUND)
    return LEDGER if is_of_ledger else _text(event, "service")


def _where(service: str, besides: str = "") -> str:
    """To look, when it is down."""
    page = " ".join(word for word in (f"at the status page of {service}", besides) if word)
    return role_of(service).look_at or page


def _question_to(service: str) -> str:
    return role_of(service).command or f"callagent health {shlex.quote(service)}"


def _key(kind: AlertKind, service: str, since: datetime) -> str:
    return f"{kind}:{service}:{since.isoformat()}"


def _who(event: Event) -> str:
    """The contact's own id, or its masked number."""
    return _short(_text(event, "contact_id") or _text(event, "phone") or "a contact")


def _after_tries(event: Event) -> str:
    tries = _number(event, "tries")
    return f", after {tries} {'try' if tries == 1 else 'tries'}" if tries else ""


def _of_campaign(command: str, event: Event) -> str:
    campaign = _text(event, "campaign")
    return f"callagent {command} {shlex.quote(campaign)}" if campaign else ""


def _is_transient(event: Event) -> bool:
    return _text(event, "error_category") != ErrorCategory.PERMANENT


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _said(error: str) -> str:
    return mask_phones(one_line(error)) or "no reason was given"


def _short(text: str) -> str:
    return mask_phones(one_line(text, 80))


def _text(event: Event, name: str) -> str:
    return str(event.fields.get(name, ""))


def _number(event: Event, name: str) -> int:
    value = event.fields.get(name, 0)
    return int(value) if isinstance(value, int | float) else 0
