"""Did a service that was down get everything that it was owed, once and in order? Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from callagent_cli.domain.event import Event, EventName
from callagent_cli.simulator.evidence import Around, Verdict
from callagent_cli.simulator.verdicts_alerts import CHANNEL_OF, is_about

_KINDS = {  # service → what it keeps of what it is owed
    "crm": "calls",
    "sheets": "row",
    "telegram": "message",
    "webhook": "event",
    "smtp": "mail",
}
_CANNOT_TELL = frozenset({"telegram", "smtp"})  # whether a message is a repeat, or which it is


@dataclass(frozen=True, slots=True)
class _Account:
    """Of one service. due: what it was to get, and when that came to be; came: keys, in order."""

    due: Mapping[str, datetime]
    came: Sequence[str]
    owed: int
    is_back: bool
    is_known_by_key: bool
    lost: int  # requests carried out whose answer was lost

    @property
    def missing(self) -> int:
        if self.is_known_by_key:
            return len(self.due.keys() - set(self.came))
        return max(len(self.due) - len(set(self.came)), 0)

    @property
    def twice(self) -> int:
        """Beyond what nobody can help: a repeat after a lost answer, where nobody can tell."""
        repeats = sum(n - 1 for n in Counter(self.came).values())
        return repeats if self.is_known_by_key else max(repeats - self.lost, 0)

    @property
    def out_of_order(self) -> int:
        times = [self.due[key] for key in dict.fromkeys(self.came) if key in self.due]
        return sum(earlier > later for earlier, later in pairwise(times))

    @property
    def is_settled(self) -> bool:
        """Everything is there; while the service is down, it may also be owed still."""
        if self.owed:
            return not self.is_back
        return not self.missing


def judge_owed(service: str, name: str, events: Sequence[Event], around: Around) -> list[Verdict]:
    """name: in words. Nothing for a service that is never owed anything."""
    kind = _KINDS.get(service)
    if kind is None:
        return []
    destination = CHANNEL_OF.get(service, service)
    outages = [outage for outage in around.outages if outage.service == service]
    account = _Account(
        due=_alerts_due(events, destination)
        if service in CHANNEL_OF
        else _calls_due(events, kind),
        came=[one.key for one in around.arrivals if (one.service, one.kind) == (service, kind)],
        owed=around.still_owed.get(destination, 0),
        is_back=all(outage.ended_s is not None for outage in outages),
        is_known_by_key=service not in _CANNOT_TELL,
        lost=sum(outage.lost for outage in outages),
    )
    return [_verdict(name, account)] if account.due or account.owed else []


def _verdict(name: str, account: _Account) -> Verdict:
    promise = (
        f"everything owed to {name} arrives once it is back, once and in order"
        if account.is_back
        else f"nothing owed to {name} is lost, and nothing comes twice"
    )
    return Verdict(
        promise,
        account.is_settled and not account.twice and not account.out_of_order,
        f"{len(account.due) - account.missing} of {len(account.due)} came, "
        f"{len(account.came)} with all else; {account.twice} twice, "
        f"{account.out_of_order} out of order, {account.owed} still owed",
    )


def _calls_due(events: Sequence[Event], kind: str) -> dict[str, datetime]:
    """The end of each call, as the CRM and the sheet know it."""
    ended = [event for event in events if event.name is EventName.CALL_ENDED]
    suffix = f":{EventName.CALL_ENDED}" if kind == "row" else ""
    return {f"{event.fields.get('attempt_id')}{suffix}": event.at for event in ended}


def _alerts_due(events: Sequence[Event], channel: str) -> dict[str, datetime]:
    """Every alert that any channel was told, but those about this one: they do not go to it."""
    sent = [event for event in events if event.name is EventName.ALERT_SENT]
    due: dict[str, datetime] = {}
    for event in sent:
        key = str(event.fields.get("alert_key", ""))
        if event.fields.get("channel") == channel or not is_about(event, channel):
            due.setdefault(key, event.at)
    return due
