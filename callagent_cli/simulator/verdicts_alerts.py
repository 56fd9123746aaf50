"""Were people told of each incident when it began and when it ended, and not more often? Pure."""

from collections.abc import Iterable, Sequence

from callagent_cli.domain.event import Event, EventName
from callagent_cli.simulator.evidence import Around, Verdict

CHANNEL_OF = {"smtp": "email", "telegram": "telegram", "webhook": "webhook"}  # service → channel
_BEGINS, _ENDS = ("incident_opened", "refused"), ("incident_recovered",)
_PROOFS = (EventName.BREAKER_CLOSED, EventName.SERVICE_ANSWERED, EventName.DELIVERY_SENT)


def is_about(alert: Event, service: str) -> bool:
    """Whether an alert that was sent is about that service; one that does not say, is."""
    return f":{service}:" in str(alert.fields.get("alert_key", f":{service}:"))


def judge_alerts(events: Sequence[Event], around: Around | None = None) -> list[Verdict]:
    """Of every channel, but of one that is down to the end or still has alerts to come."""
    services = dict.fromkeys(_service(e) for e in events if e.name is EventName.BREAKER_OPENED)
    if not services:
        return []
    sent = [e for e in events if e.name is EventName.ALERT_SENT]
    channels = sorted({str(e.fields.get("channel")) for e in sent} - _silent(around))
    due = {service: _due(events, service) for service in services}
    wrong = [
        f"{channel} {told[0]} + {told[1]} of {service}"
        for service in services
        for channel in channels
        if channel != service  # it is not told of its own trouble through itself
        and (told := _told(sent, channel, service)) != due[service]
    ]
    opened = sum(_is_one_of(e, _BEGINS) for e in sent)
    recovered = sum(_is_one_of(e, _ENDS) for e in sent)
    evidence = (
        f"{_incidents(sum(begun for begun, _ in due.values()))}, {opened} + {recovered} alerts, "
        f"{len(sent)} alerts in all"
    )
    if wrong:
        evidence += f"; {', '.join(wrong)}"
    promise = "one alert when an incident begins and one when it ends"
    return [Verdict(promise, bool(channels) and not wrong, evidence)]


def _incidents(n: int) -> str:
    return "1 incident" if n == 1 else f"{n} incidents"


def _silent(around: Around | None) -> set[str]:
    if around is None:
        return set()
    down = {outage.service for outage in around.outages if outage.ended_s is None}
    owed = {name for name, messages in around.still_owed.items() if messages}
    return {CHANNEL_OF.get(service, service) for service in down} | owed


def _due(events: Iterable[Event], service: str) -> tuple[int, int]:
    """How often a channel is to tell that an incident began, and that it ended. An incident
    outlives the run: a breaker that opens anew before it was over begins no other one. A refusal
    that is met in an outage is told as another beginning."""
    begun = ended = 0
    is_on = is_refused = False
    for event in events:
        if _service(event) != service:
            continue
        if event.name is EventName.BREAKER_OPENED:
            is_again = begun > 0 and (is_on or bool(event.fields.get("is_retrip")))
            ended -= is_again and not is_on  # it was on probation only
            begun += not is_again or (bool(event.fields.get("is_forced")) and not is_refused)
            is_on, is_refused = True, bool(event.fields.get("is_forced"))
        elif event.name in _PROOFS and is_on:
            ended, is_on, is_refused = ended + 1, False, False
    return begun, ended


def _service(event: Event) -> str:
    return str(event.fields.get("service", ""))


def _told(sent: Iterable[Event], channel: str, service: str) -> tuple[int, int]:
    """Alerts that it begins, and that it ended."""
    about = [e for e in sent if e.fields.get("channel") == channel and is_about(e, service)]
    begins = sum(_is_one_of(e, _BEGINS) for e in about)
    return begins, sum(_is_one_of(e, _ENDS) for e in about)


def _is_one_of(alert: Event, kinds: Sequence[str]) -> bool:
    return alert.fields.get("kind") in kinds
