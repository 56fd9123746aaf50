"""Did the calls go on while a service around them was down, and was it told?

Pure. Judged from what the services took; the program's own events only say what was to be there.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.domain.event import Event, EventName
from callagent_cli.simulator.evidence import Around, SeenDial, SeenOutage, Verdict
from callagent_cli.simulator.verdicts_owed import judge_owed

_NAMES = {
    "crm": "the CRM",
    "llm": "the LLM",
    "sheets": "the sheet",
    "telegram": "Telegram",
    "webhook": "the webhook",
    "smtp": "the mail server",
}
_GRACE_S = 1.0  # of virtual time: nothing that the service takes part in
_ENDS = frozenset(
    {
        EventName.CALL_ENDED,
        EventName.CALL_REFUSED,
        EventName.CALL_IN_DOUBT,
        EventName.CONTACT_FAILED,
    }
)
_DIALLER_TROUBLE = frozenset(
    {EventName.REQUEST_FAILED, EventName.BREAKER_OPENED, EventName.CONTACT_DEFERRED}
)


@dataclass(frozen=True, slots=True)
class _Pause:
    """Between the moment when a line became free and its next dial, seconds."""

    began_s: float
    ended_s: float

    @property
    def length_s(self) -> float:
        return self.ended_s - self.began_s


def judge_around(
    dials: Sequence[SeenDial], events: Sequence[Event], around: Around | None
) -> list[Verdict]:
    """Nothing for services that did not fail."""
    if around is None or not events:
        return []
    pauses = list(_pauses(dials, events))
    verdicts: list[Verdict] = []
    for service in around.failing:
        outages = [outage for outage in around.outages if outage.service == service]
        verdicts += _goes_on(service, outages, dials, pauses, around)
        if service in around.waits_s:
            verdicts += _fallback(service, outages, dials, events, around)
        verdicts += judge_owed(service, _NAMES[service], events, around)
    return verdicts


def _pauses(dials: Sequence[SeenDial], events: Sequence[Event]) -> Iterator[_Pause]:
    """Only those in which nothing else stood in the way: a person not called before was next,
    and the dialler had no trouble. Lines are taken up in the order in which they became free."""
    began = events[0].at
    moments: list[tuple[float, int, Event | SeenDial]] = [
        *((_seconds(event, began), 0, event) for event in events),
        *((dial.at_s, 1, dial) for dial in dials if dial.was_placed),
    ]
    free: deque[float] = deque()
    called: set[str] = set()
    for at_s, _, moment in sorted(moments, key=lambda one: one[:2]):
        match moment:
            case SeenDial(number=number):
                is_first = number not in called
                called.add(number)
                if free and is_first:
                    yield _Pause(free.popleft(), at_s)
                elif free:
                    free.popleft()
            case Event(name=name) if name in _ENDS:
                free.append(at_s)
            case Event(name=EventName.CALL_RECONCILED) if free and _is_found(moment):
                free.pop()  # the line follows it to its end
            case Event() if _is_something_else(moment):
                free.clear()


def _is_found(event: Event) -> bool:
    return event.fields.get("verdict") == "placed"


def _is_something_else(event: Event) -> bool:
    """Whether what follows is not the doing of a service around the call."""
    if event.name in (EventName.RUN_STARTED, EventName.RUN_FINISHED, EventName.CONTACT_HELD):
        return True
    is_diallers = event.fields.get("service", "elevenlabs") == "elevenlabs"
    return event.name in _DIALLER_TROUBLE and is_diallers


def _goes_on(
    service: str,
    outages: Sequence[SeenOutage],
    dials: Sequence[SeenDial],
    pauses: Sequence[_Pause],
    around: Around,
) -> list[Verdict]:
    inside = [dial for dial in dials if any(outage.has(dial.at_s) for outage in outages)]
    if not inside:
        return []  # nobody was to be called meanwhile
    met = [p for p in pauses if any(_overlaps(p, outage) for outage in outages)]
    late = [pause for pause in met if pause.length_s > _allowed_s(pause, around) + _GRACE_S]
    longest_s = max((pause.length_s for pause in met), default=0.0)
    in_all_s, span_s = sum(p.length_s for p in met), dials[-1].at_s - dials[0].at_s
    share = 100 * in_all_s / span_s if span_s else 0.0
    return [
        Verdict(
            f"the calls go on without {_NAMES[service]}",
            not late,
            f"{len(inside)} dials in {_span(outages)}; a line waited {longest_s:.3g} s at most, "
            f"{in_all_s:.3g} s in all ({share:.1f} % of the campaign)",
        )
    ]


def _allowed_s(pause: _Pause, around: Around) -> float:
    """As long as a call waits for those that are down and asked before it."""
    down = {outage.service for outage in around.outages if _overlaps(pause, outage)}
    return sum(around.waits_s.get(service, 0.0) for service in down)


def _overlaps(pause: _Pause, outage: SeenOutage) -> bool:
    is_before_its_end = outage.ended_s is None or pause.began_s < outage.ended_s
    return outage.began_s <= pause.ended_s and is_before_its_end


def _fallback(
    service: str,
    outages: Sequence[SeenOutage],
    dials: Sequence[SeenDial],
    events: Sequence[Event],
    around: Around,
) -> list[Verdict]:
    """Each call of which the preparation lay wholly within an outage was made without."""
    told = {
        event.fields.get("contact_id")
        for event in events
        if event.name is EventName.FALLBACK_USED and event.fields.get("service") == service
    }
    margin_s = around.waits_s[service] + _GRACE_S
    contacts = {
        event.fields.get("attempt_id"): event.fields.get("contact_id")
        for event in events
        if event.name is EventName.CALL_PLACED
    }
    inside = {
        contacts.get(dial.attempt_id)
        for dial in dials
        if dial.was_placed
        and any(outage.has(dial.at_s) and outage.has(dial.at_s - margin_s) for outage in outages)
    }
    if not inside and not told:
        return []
    return [
        Verdict(
            f"a call made without {_NAMES[service]} is told as such",
            inside <= told,
            f"{len(told)} told, {len(inside - told)} not",
        )
    ]


def _span(outages: Sequence[SeenOutage]) -> str:
    if outages[-1].ended_s is None:
        return f"an outage from {outages[0].began_s:.0f} s on"
    return f"an outage from {outages[0].began_s:.0f} to {outages[-1].ended_s:.0f} s"


def _seconds(event: Event, began: datetime) -> float:
    return (event.at - began).total_seconds()
