"""What happened in a simulated run, as a story with times. Pure: events in, lines out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

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
    for event in events:
        text = _text(event.name, {**event.fields})
        if text:
            at_s = round((event.at - began).total_seconds(), 3)
            story.append(Moment(at_s, event.name.value, text))
    return story


def _text(name: EventName, about: dict[str, FieldValue]) -> str:
    who, what = about.get("contact_id", ""), about.get("error", "")
    service = about.get("service", "")
    match name:
        case EventName.RUN_STARTED:
            return "run begins"
        case EventName.RUN_FINISHED:
            return f"run ends with exit status {about.get('exit_status')}: {about.get('reason')}"
        case EventName.CALL_PLACED:
            return f"{who} called"
        case EventName.CALL_ENDED:
            return f"{who} {str(about.get('disposition')).replace('_', ' ')}"
        case EventName.CALL_IN_DOUBT:
            return f"{who} IN DOUBT: {what}; no second request"
        case EventName.CALL_RECONCILED:
            verdict = str(about.get("verdict")).replace("_", " ")
            return f"{who} looked up at the provider: {verdict}"
        case EventName.RETRY_SCHEDULED:
            return _retry(who or service, about)
        case EventName.CONTACT_FAILED:
            return f"{who} FAILED after {about.get('tries')} requests: {what}"
        case EventName.CALL_REFUSED:
            return f"{who} refused: {what}"
        case EventName.CONTACT_DEFERRED:
            n = about.get("contacts")
            return f"{who or f'{n} more'} deferred: {what}"
        case EventName.BREAKER_OPENED:
            return f"breaker of {service} OPEN: {what}"
        case EventName.BREAKER_HALF_OPENED:
            return f"breaker of {service} half-open: one trial"
        case EventName.BREAKER_CLOSED:
            return f"breaker of {service} CLOSED"
        case EventName.HEALTH_FAILED:
            return f"health check of {service} fails: {about.get('detail', what)}"
        case EventName.HEALTH_PASSED:
            return f"health check of {service} passes"
        case EventName.ALERT_SENT:
            return f"ALERT {about.get('title', about.get('kind', ''))}"
        case EventName.FALLBACK_USED:
            return f"{who} goes on without {service}: {what}"
        case EventName.CONTACT_HELD:
            return f"{who} held: {about.get('reason')}"
        case _:
            return ""


def _retry(who: FieldValue, about: dict[str, FieldValue]) -> str:
    tried, in_all = int(about.get("retry_count") or 0), int(about.get("max_tries") or 0)
    return (
        f"{who} try {tried}/{in_all} failed: {about.get('error')} → "
        f"retry {tried}/{in_all - 1} in {_seconds(about.get('next_retry_s'))}"
    )


def _seconds(value: FieldValue) -> str:
    return f"{value:g} s" if isinstance(value, (int, float)) else str(value)
