"""Lines for people without a live view: one for each contact that is done, and alerts."""

from collections.abc import Callable

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.event import Event, EventName
from callagent_cli.domain.text import one_line


class TerminalChannel:
    """An AlertChannel: the last resort, and the only one that needs no settings."""

    name = "terminal"

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def send(self, alert: Alert) -> None:
        if alert.kind is AlertKind.CAMPAIGN_FINISHED:
            return  # the summary says it
        lines = [
            f"ALERT {alert.title}",
            f"  happened:  {alert.happened}",
            f"  meaning:   {alert.meaning}",
            f"  automatic: {alert.automatic}",
            f"  to do:     {alert.todo}",
        ]
        if alert.command:
            lines.append(f"  command:   {alert.command}")
        self._write("\n".join(lines))


class SilentChannel:
    """An AlertChannel for simulations, where the timeline shows the alerts."""

    name = "simulated"

    def send(self, alert: Alert) -> None:
        del alert


def line_for(event: Event) -> str | None:
    """What `--verbose` says of an event; None for nothing."""
    said = _said(event)
    return mask_phones(one_line(said)) if said else None


def _said(event: Event) -> str | None:
    about, who = event.fields, _who(event)
    match event.name:
        case EventName.CALL_ENDED:
            return f"{who}: {str(about.get('disposition')).replace('_', ' ')}"
        case EventName.CONTACT_FAILED | EventName.CALL_REFUSED:
            return f"{who}: failed: {about.get('error')}"
        case EventName.CALL_IN_DOUBT:
            return f"{who}: in doubt, may have rung: {about.get('error')}"
        case EventName.CALL_RECONCILED:
            return f"{who}: looked up: {str(about.get('verdict')).replace('_', ' ')}"
        case EventName.CONTACT_HELD | EventName.CONTACT_SKIPPED | EventName.CONTACT_EXHAUSTED:
            return f"{who}: {event.name.value.partition('.')[2]}: {about.get('reason')}"
        case EventName.CONTACT_DEFERRED:
            n = about.get("contacts")
            return f"{who if n is None else f'{n} contacts'}: deferred: {about.get('error')}"
        case EventName.CONTACT_REJECTED:
            return f"line {about.get('line')}: rejected: {about.get('reason')}"
        case EventName.RETRY_SCHEDULED:
            return f"{who}: {about.get('error')}: {_next_try(event)}"
        case EventName.BREAKER_OPENED | EventName.BREAKER_HALF_OPENED | EventName.BREAKER_CLOSED:
            state = event.name.value.partition(".")[2].replace("_", "-")
            why = f": {about['error']}" if "error" in about else ""
            return f"{about.get('service')}: breaker {state}{why}"
        case _:
            return _said_of_ledger(event)


def _said_of_ledger(event: Event) -> str | None:
    if event.name is EventName.LEDGER_LOST:
        return f"{event.fields.get('error')}; waiting for it"
    return "the ledger answers again" if event.name is EventName.LEDGER_FOUND else None


def _next_try(event: Event) -> str:
    """`try 2/4 (retry 1/3) in 5 s`: both numbers, so that nobody has to guess which is meant."""
    about = event.fields
    tries = int(about.get("max_tries") or 0)
    wait_s = about.get("next_retry_s")
    wait = f"{wait_s:g} s" if isinstance(wait_s, int | float) else "a moment"
    return (
        f"try {about.get('try_no')}/{tries} "
        f"(retry {about.get('retry_count')}/{tries - 1}) in {wait}"
    )


def _who(event: Event) -> str:
    """The contact's id and masked number; a contact without an id of its own has one of them."""
    contact_id = mask_phones(str(event.fields.get("contact_id", "")))
    phone = str(event.fields.get("phone", ""))
    service = str(event.fields.get("service", ""))
    return " ".join(dict.fromkeys(filter(None, (contact_id, phone)))) or service
