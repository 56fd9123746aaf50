"""Calls counted in one pass: by attempt, by the contact's own hour, over time, by cost."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.whereabouts import zones_of
from callagent_cli.eligibility.zones import zone_named
from callagent_cli.ledger.records import EndedCall
from callagent_cli.reporting.figures import AttemptReach, Cost, HourReach, Period, Reach

_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440)
)
_MOST_PERIODS = 48
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # a Monday: periods of a week begin with one


class Tally:
    """Memory grows with the minutes in which calls began, not with the calls."""

    def __init__(self) -> None:
        self._by_attempt: Counter[tuple[int, str]] = Counter()
        self._by_hour: Counter[tuple[int | None, str]] = Counter()
        self._by_minute: Counter[tuple[datetime, str]] = Counter()
        self._cost_usd: defaultdict[str, float] = defaultdict(float)
        self._priced = 0

    def add(self, call: EndedCall) -> None:
        self._by_attempt[call.attempt_no, call.disposition] += 1
        self._by_hour[_own_hour(call), call.disposition] += 1
        if call.started_at is not None:
            minute = call.started_at.replace(second=0, microsecond=0)
            self._by_minute[minute, call.disposition] += 1
        if call.cost_usd is not None:
            self._priced += 1
            self._cost_usd[call.disposition] += call.cost_usd

    def by_attempt(self) -> tuple[AttemptReach, ...]:
        numbers = sorted({no for no, _ in self._by_attempt})
        return tuple(
            AttemptReach(*_reach_of(self._by_attempt, no), attempt_no=no) for no in numbers
        )

    def by_hour(self) -> tuple[HourReach, ...]:
        """Hours with calls, in the day's order; those that nobody can tell come last."""
        hours = sorted({hour for hour, _ in self._by_hour}, key=lambda h: (h is None, h or 0))
        return tuple(HourReach(*_reach_of(self._by_hour, hour), hour=hour) for hour in hours)

    def by_time(self) -> tuple[Period, ...]:
        """Periods of one length without gaps, at most as many as a chart can show."""
        if not self._by_minute:
            return ()
        first, last = min(self._by_minute)[0], max(self._by_minute)[0]
        step = _step_for(last - first)
        counted: Counter[tuple[datetime, str]] = Counter()
        for (minute, disposition), n in self._by_minute.items():
            counted[_floor(minute, step), disposition] += n
        begins = [_floor(first, step)]
        while begins[-1] <= last:
            begins.append(begins[-1] + step)
        return tuple(_period(begin, end, counted) for begin, end in pairwise(begins))

    def cost(self) -> Cost:
        """Sums of floats have dust: all are rounded."""
        if not self._priced:
            return Cost(None, None, None, {})
        total = sum(self._cost_usd.values())
        answered = sum(
            n for (_, how), n in self._by_attempt.items() if how == Disposition.ANSWERED
        )
        return Cost(
            total_usd=round(total, 6),
            per_call_usd=round(total / self._priced, 6),
            per_answered_usd=round(total / answered, 6) if answered else None,
            by_disposition={how: round(usd, 6) for how, usd in sorted(self._cost_usd.items())},
        )


def tallied(calls: Iterable[EndedCall]) -> Tally:
    tally = Tally()
    for call in calls:
        tally.add(call)
    return tally


def reach_of(dispositions: Mapping[str, int]) -> Reach:
    calls, answered = sum(dispositions.values()), dispositions.get(Disposition.ANSWERED, 0)
    return Reach(calls, answered, round(answered / calls, 4) if calls else 0.0)


def _reach_of(
    counted: Mapping[tuple[int, str], int] | Mapping[tuple[int | None, str], int], key: int | None
) -> tuple[int, int, float]:
    found = reach_of({how: n for (of, how), n in counted.items() if of == key})
    return found.calls, found.answered, found.reach


def _step_for(lasted: timedelta) -> timedelta:
    for step in _STEPS:
        if lasted < step * _MOST_PERIODS:
            return step
    weeks = 1 + lasted // (_STEPS[-1] * _MOST_PERIODS)
    return _STEPS[-1] * weeks


def _period(begin: datetime, end: datetime, counted: Counter[tuple[datetime, str]]) -> Period:
    ended = {how.value: n for how in Disposition if (n := counted[begin, how.value])}
    return Period(begin, end, sum(ended.values()), ended)


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - _EPOCH) % step


def _own_hour(call: EndedCall) -> int | None:
    """None where the contact may be in several zones in which the hour differs."""
    if call.started_at is None:
        return None
    zones = call.zones or _zones_of(call.phone, call.timezone)
    minute = call.started_at.replace(second=0, microsecond=0)
    hours = {_hour(minute, zone) for zone in zones}
    return hours.pop() if len(hours) == 1 else None


@lru_cache(maxsize=8192)  # calls of a campaign share minutes and zones
def _hour(at: datetime, zone: str) -> int:
    return at.astimezone(zone_named(zone)).hour


@lru_cache(maxsize=8192)  # a contact may have been called several times
def _zones_of(phone: str, timezone: str) -> tuple[str, ...]:
    """Where no calling window was in force, nobody asked at the dial."""
    return tuple(zone.key for zone in zones_of(Contact("", phone, timezone=timezone)))
