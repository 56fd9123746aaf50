"""Did each promise hold? Judged from what the world saw and what was told, not from the ledger.

Pure. A promise that a simulation did not put to the test is left out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from callagent_cli.domain.event import Event, EventName
from callagent_cli.simulator.evidence import Around, SeenDial, Verdict
from callagent_cli.simulator.verdicts_alerts import is_about, judge_alerts
from callagent_cli.simulator.verdicts_around import judge_around

__all__ = ["SeenDial", "Verdict", "judge"]

_DIALLER = "elevenlabs"
_MISSED = frozenset({"no_answer", "busy", "voicemail", "failed"})
_MOVES = (EventName.BREAKER_OPENED, EventName.BREAKER_HALF_OPENED, EventName.BREAKER_CLOSED)


def judge(
    dials: Sequence[SeenDial],
    events: Sequence[Event],
    *,
    numbers: Iterable[str],
    in_review: int,
    waiting: int,
    back_off_s: Sequence[float],
    around: Around | None = None,
) -> list[Verdict]:
    """numbers: everybody who was to be called. waiting: contacts that the ledger keeps for a
    later run. back_off_s: the configured waits. around: of the services around the call."""
    wanted = set(numbers)
    redials = _redials(dials, events)
    placed = Counter(dial.number for dial in dials if dial.was_placed)
    placed.subtract(dial.number for dial in redials)
    calling = [e for e in events if e.fields.get("service", _DIALLER) == _DIALLER]
    verdicts = [_nobody_twice(placed, len(redials))]
    if any(e.name is EventName.BREAKER_OPENED and e.fields.get("is_forced") for e in calling):
        verdicts += _refused(dials, calling, len(wanted), sum(placed.values()), waiting)
    else:
        verdicts.append(_everybody_once(wanted, placed))
        verdicts += _in_doubt(dials, calling, in_review)
        verdicts += _back_off(calling, back_off_s)
        verdicts += _failed_then_next(calling)
        verdicts += _breaker(dials, calling)
    return [*verdicts, *judge_around(dials, events, around), *judge_alerts(events, around)]


def _redials(dials: Sequence[SeenDial], events: Sequence[Event]) -> list[SeenDial]:
    """Calls to a number whose last call was known to have reached nobody: they are due."""
    began = events[0].at if events else None
    missed = {
        e.fields.get("attempt_id"): (e.at - (began or e.at)).total_seconds()
        for e in events
        if e.name is EventName.CALL_ENDED and e.fields.get("disposition") in _MISSED
    }
    last: dict[str, SeenDial] = {}
    redials = []
    for dial in dials:
        if not dial.was_placed:
            continue
        before = last.get(dial.number)
        if before and before.attempt_id != dial.attempt_id:
            ended_s = missed.get(before.attempt_id)
            redials += [dial] if ended_s is not None and ended_s <= dial.at_s else []
        last[dial.number] = dial
    return redials


def _nobody_twice(placed: Mapping[str, int], redials: int) -> Verdict:
    most, also = max(placed.values(), default=0), f", {redials} redials" if redials else ""
    return Verdict(
        "nobody is called twice",
        most <= 1,
        f"{sum(placed.values())} calls, at most {most} a number{also}",
    )


def _everybody_once(wanted: set[str], placed: Mapping[str, int]) -> Verdict:
    reached = sum(placed.get(number, 0) == 1 for number in wanted)
    return Verdict(
        "every contact is reached exactly once",
        reached == len(wanted) and not set(placed) - wanted,
        f"{reached} of {len(wanted)}",
    )


def _refused(
    dials: Sequence[SeenDial], events: Sequence[Event], wanted: int, placed: int, waiting: int
) -> list[Verdict]:
    """A key that is refused, or credits that are gone: only a person can mend that."""
    asked = sum(not dial.was_placed for dial in dials)
    sent = Counter(
        e.fields.get("channel")
        for e in events
        if e.name is EventName.ALERT_SENT
        and e.fields.get("kind") == "refused"
        and is_about(e, _DIALLER)
    )
    told = max(sent.values(), default=0)
    ended = [e.fields.get("exit_status") for e in events if e.name is EventName.RUN_FINISHED]
    return [
        Verdict(
            "a refusal stops the run at once, with status 5 and one alert",
            asked <= 1 and told == 1 and ended == [5],
            f"{asked} refused, {told} alert, exit status {ended}",
        ),
        Verdict(
            "nobody is lost: who was not called is kept",
            placed + waiting == wanted,
            f"{placed} called, {waiting} kept, of {wanted}",
        ),
    ]


def _in_doubt(dials: Sequence[SeenDial], events: Sequence[Event], in_review: int) -> list[Verdict]:
    doubtful = {e.fields.get("attempt_id") for e in events if e.name is EventName.CALL_IN_DOUBT}
    if not doubtful:
        return []
    posts = Counter(dial.attempt_id for dial in dials if dial.attempt_id in doubtful)
    most = max(posts.values(), default=0)
    found = sum(
        e.name is EventName.CALL_RECONCILED and e.fields.get("verdict") == "placed" for e in events
    )
    return [
        Verdict(
            "an unclear answer is looked up, never dialled again",
            most <= 1,
            f"{len(doubtful)} in doubt, {found} found at the provider, {in_review} for a person",
        )
    ]


def _back_off(events: Sequence[Event], back_off_s: Sequence[float]) -> list[Verdict]:
    waits: dict[object, list[float]] = {}
    for event in events:
        if event.name is EventName.RETRY_SCHEDULED and "attempt_id" in event.fields:
            wait = event.fields.get("next_retry_s")
            waits.setdefault(event.fields["attempt_id"], []).append(float(wait or 0))
    if not waits:
        return []
    longest = max(waits.values(), key=len)
    # an open breaker may cut the sequence short; it never changes the waits
    holds = all(seen == list(back_off_s[: len(seen)]) for seen in waits.values())
    shown = ", ".join(f"{wait:g}" for wait in longest)
    return [Verdict("retries wait as configured", holds, f"waited {shown} s")]


def _failed_then_next(events: Sequence[Event]) -> list[Verdict]:
    failed = [e for e in events if e.name is EventName.CONTACT_FAILED]
    if not failed:
        return []
    alerted = any(
        e.name is EventName.ALERT_SENT and e.fields.get("kind") == "call_failed" for e in events
    )
    went_on = any(
        e.name in (EventName.REQUEST_FAILED, EventName.CALL_PLACED)
        and e.at >= failed[0].at
        and e.fields.get("contact_id") != failed[0].fields.get("contact_id")
        for e in events
    )
    return [
        Verdict(
            "a failed call is told at once and the next contact follows",
            alerted and went_on,
            f"{len(failed)} failed, told: {'yes' if alerted else 'no'}",
        )
    ]


def _breaker(dials: Sequence[SeenDial], events: Sequence[Event]) -> list[Verdict]:
    """While the breaker is open nobody is the guinea pig; on recovery it closes again."""
    moves = [e for e in events if e.name in _MOVES]
    if not moves:
        return []
    began = events[0].at
    ends = [e for e in events if e.name in (*_MOVES, EventName.RUN_FINISHED)]
    shut = [  # the next run's breaker is another one
        ((a.at - began).total_seconds(), (b.at - began).total_seconds())
        for a, b in pairwise(ends)
        if a.name is EventName.BREAKER_OPENED
    ]
    leaked = sum(any(a < dial.at_s < b for a, b in shut) for dial in dials)
    deferred = sum(
        int(e.fields.get("contacts") or 1) for e in events if e.name is EventName.CONTACT_DEFERRED
    )
    probes = sum(e.name in (EventName.HEALTH_FAILED, EventName.HEALTH_PASSED) for e in events)
    is_closed = moves[-1].name is EventName.BREAKER_CLOSED
    return [
        Verdict(
            "an open breaker lets no dial through",
            leaked == 0,
            f"open {sum(b - a for a, b in shut):g} s, {leaked} dials in it, {deferred} deferred",
        ),
        Verdict(
            "health checks go on and the breaker resets by itself",
            is_closed and probes > 0,
            f"{probes} checks told, breaker {'closed' if is_closed else 'not closed'} at the end",
        ),
    ]
