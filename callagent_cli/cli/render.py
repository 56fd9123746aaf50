"""Lines for people without a live view: one for each contact that is done, and alerts."""

from collections.abc import Callable

from callagent_cli.domain.alert import Alert
from callagent_cli.domain.event import Event, EventName
from callagent_cli.domain.text import one_line


class TerminalChannel:
    """An AlertChannel: the last resort, and the only one that needs no settings."""

    name = "terminal"

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def send(self, alert: Alert) -> None:
        self._say(f"ALERT {alert.title}\n  {alert.happened}\n  {alert.meaning}; {alert.automatic}")
        if alert.command:
            self._say(f"  {alert.todo}: {alert.command}")


class SilentChannel:
    """An AlertChannel for simulations, where the timeline shows the alerts."""

    name = "simulated"

    def send(self, alert: Alert) -> None:
        del alert


def line_for(event: Event) -> str | None:
    """What `--verbose` says of an event; None for nothing."""
    about = event.fields
    who = f"{about.get('contact_id')} {about.get('phone', '')}".strip()
    match event.name:
        case EventName.CALL_ENDED:
            said = f"{who}: {str(about.get('disposition')).replace('_', ' ')}"
        case EventName.CONTACT_FAILED | EventName.CALL_REFUSED:
            said = f"{who}: failed: {about.get('error')}"
        case EventName.CALL_IN_DOUBT:
            said = f"{who}: in doubt: {about.get('error')}"
        case EventName.CONTACT_HELD | EventName.CONTACT_SKIPPED | EventName.CONTACT_EXHAUSTED:
            said = f"{who}: {event.name.value.partition('.')[2]}: {about.get('reason')}"
        case EventName.CONTACT_DEFERRED:
            n = about.get("contacts")
            said = f"{who if n is None else f'{n} contacts'}: deferred: {about.get('error')}"
        case EventName.CONTACT_REJECTED:
            said = f"line {about.get('line')}: rejected: {about.get('reason')}"
        case _:
            return None
    return one_line(said)
