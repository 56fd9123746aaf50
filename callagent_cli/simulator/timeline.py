"""What happened in a simulated run, as a story with times. Pure: events in, lines out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from callagent_cli.domain.event import Event, EventName, FieldValue


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story."""

    at_s: float  # since the simulation began
    event: str
    text: str

    def to_json(self) -> dict[str, object]:
        return {"at_s": self.at_s, "event": self.event, "text": self.text}


def tell(events: Iterable[Event], began: datetime) -> list[Moment]:
    """The moments worth telling, in order."""
    story = []
    alerts: dict[FieldValue, datetime] = {}
    for event in events:
        is_alert = event.name is EventName.ALERT_SENT
        text = _alert(event, alerts) if is_alert else _text(event.name, event.fields)
        if text:
            at_s = round((event.at - began).total_seconds(), 3)
            story.append(Moment(at_s, event.name.value, text))
    return story


_LATE = timedelta(seconds=10)


def _alert(event: Event, told: dict[FieldValue, datetime]) -> str:
    """Told once, not once a channel, and again where it came late. told: by the alert's key."""
    key, title = event.fields.get("alert_key"), event.fields.get("title")
    if key is None or key not in told:
        told[key] = event.at
        return f"ALERT {title}"
    is_late = event.at - told[key] > _LATE
    return f"ALERT reaches {event.fields.get('channel')} now: {title}" if is_late else ""


_TOLD: Mapping[EventName, str] = {
    EventName.RUN_STARTED: "run begins",
    EventName.RUN_FINISHED: "run ends with exit status {exit_status}: {reason}",
    EventName.CALL_PLACED: "{contact_id} called",
    EventName.CALL_ENDED: "{contact_id} {disposition}",
    EventName.CALL_IN_DOUBT: "{contact_id} IN DOUBT: {error}; no second request",
    EventName.CALL_RECONCILED: "{contact_id} looked up at the provider: {verdict}",
    EventName.CONTACT_FAILED: "{contact_id} FAILED after {tries} requests: {error}",
    EventName.CALL_REFUSED: "{contact_id} refused: {error}",
    EventName.CONTACT_DEFERRED: "{who} deferred: {error}",
    EventName.BREAKER_OPENED: "breaker of {service} OPEN: {error}",
    EventName.BREAKER_HALF_OPENED: "breaker of {service} half-open: one trial",
    EventName.BREAKER_CLOSED: "breaker of {service} CLOSED",
    EventName.HEALTH_FAILED: "health check of {service} fails: {error}",
    EventName.HEALTH_PASSED: "health check of {service} passes",
    EventName.FALLBACK_USED: "{contact_id} called without {service}: {error}",
    EventName.DELIVERY_FAILED: "{messages} owed to {service} put off: {error}",
    EventName.DELIVERY_DEAD_LETTERED: "{messages} owed to {service} given up: {error}",
    EventName.CONTACT_HELD: "{contact_id} held: {reason}",
}


def _text(name: EventName, fields: Mapping[str, FieldValue]) -> str:
    if name is EventName.RETRY_SCHEDULED:
        return _retry(fields.get("contact_id") or fields.get("service"), fields)
    many = f"{fields.get('contacts')} more"
    words = {key: str(value).replace("_", " ") for key, value in fields.items()}
    about = defaultdict(str, words | {"who": words.get("contact_id", many)})
    return _TOLD.get(name, "").format_map(about)


def _retry(who: FieldValue, about: Mapping[str, FieldValue]) -> str:
    tried, in_all = int(about.get("retry_count") or 0), int(about.get("max_tries") or 0)
    return (
        f"{who} try {tried}/{in_all} failed: {about.get('error')} → "
        f"retry {tried}/{in_all - 1} in {_seconds(about.get('next_retry_s'))}"
    )


def _seconds(value: FieldValue) -> str:
    return f"{value:g} s" if isinstance(value, (int, float)) else str(value)
