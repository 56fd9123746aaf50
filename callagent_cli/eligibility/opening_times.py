"""The times at which several rules allow a dial in several time zones at once.

Called by: eligibility.hours. Invariant: decides from the rules and the zones alone, on UTC;
no zone means "not now", never "now".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, reduce
from zoneinfo import ZoneInfo

from callagent_cli.eligibility.holiday_calendar import Calendar
from callagent_cli.eligibility.week import Spans, Week, common

SEARCH_DAYS = 60  # how far ahead an opening is looked for
_DAY_S, _HOUR_S = 86_400, 3_600
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Hours:
    """One rule: hours of the week on a person's wall clock, and days that are left out."""

    name: str  # "the calling window", "the hours of preset fr"
    week: Week
    holidays: tuple[Calendar, ...] = ()
    shown_as: str = ""  # for people; else the week's own words

    def holiday(self, day: date) -> str | None:
        """`Armistice Day (FR)`."""
        for calendar in self.holidays:
            if name := calendar.name_of(day):
                return f"{name} ({calendar})"
        return None

    def spans(self, day: date) -> Spans:
        """Minutes of the wall clock."""
        spans = self.week.days[day.weekday()]
        return () if spans and self.holiday(day) else spans

    def __str__(self) -> str:
        return f"{self.name} ({self.shown_as or self.week})"


class OpeningTimes:
    """Remembers what it has worked out: a campaign's contacts share a few of these."""

    def __init__(
        self, rules: Sequence[Hours], zones: Sequence[ZoneInfo], *, margin_s: float = 0
    ) -> None:
        """margin_s: no dial in the last so many seconds before it closes; at most a day."""
        self.rules, self.zones, self.margin_s = tuple(rules), tuple(zones), margin_s
        self._open: dict[int, Spans] = {}  # by UTC day, in seconds since 1970
        self._allowed: dict[int, Spans] = {}  # the same without the margins
        self._looked_at: tuple[datetime | None, Mapping[str, str]] = (None, {})

    def includes(self, at: datetime) -> bool:
        """True when `at` (aware) is inside by every rule in every zone, with time to spare."""
        second = at.timestamp()
        day = int(second // _DAY_S)
        return any(opens <= second < closes for opens, closes in self.spans(day))

    def next_opening(self, after: datetime) -> datetime | None:
        """The first instant, from `after` on, at which a dial is allowed; aware, UTC.

        None when there is none within 60 days.
        """
        begin = after.timestamp()
        first = int(begin // _DAY_S)
        for day in range(first, first + SEARCH_DAYS + 1):
            for opens, closes in self.spans(day):
                if begin < closes:
                    later = opens > begin
                    return datetime.fromtimestamp(opens, UTC) if later else after.astimezone(UTC)
        return None

    def spans(self, day: int) -> Spans:
        """When a dial is allowed on a UTC day (days since 1970); seconds since 1970."""
        known = self._allowed.get(day)
        if known is None:
            known = self._allowed[day] = self._with_margin(day)
        return known

    def local_times(self, at: datetime) -> Mapping[str, str]:
        """What the clocks of the zones show, in ISO 8601, by the zones' names."""
        last, shown = self._looked_at
        if at is not last:
            shown = {
                zone.key: at.astimezone(zone).isoformat(timespec="seconds") for zone in self.zones
            }
            self._looked_at = (at, shown)
        return shown

    def obstacle(self, at: datetime) -> str:
        """Why `at` is not allowed: the first rule that forbids it, or the margin."""
        for rule in self.rules:
            for zone in self.zones:
                local = at.astimezone(zone)
                minute = local.hour * 60 + local.minute
                if (holiday := rule.holiday(local.date())) is not None:
                    return f"holiday: {holiday}"
                if not any(a <= minute < b for a, b in rule.week.days[local.weekday()]):
                    return f"outside {rule}"
        return f"less than {_span(self.margin_s)} before the end of {self._closing(at)}"

    def _closing(self, at: datetime) -> str:
        """The rule whose end is near."""
        end = at + timedelta(seconds=self.margin_s)
        for rule in self.rules:
            if not OpeningTimes((rule,), self.zones).includes(end):
                return rule.name
        return self.rules[0].name

    def _with_margin(self, day: int) -> Spans:
        begin, end = day * _DAY_S, (day + 1) * _DAY_S
        two_days = _joined((*self._open_on(day), *self._open_on(day + 1)))
        less = ((opens, int(closes - self.margin_s)) for opens, closes in two_days)
        return common(tuple(less), ((begin, end),))

    def _open_on(self, day: int) -> Spans:
        known = self._open.get(day)
        if known is None:
            places = [tuple(_joined(_open_in(zone, self.rules, day))) for zone in self.zones]
            known = self._open[day] = reduce(common, places) if places else ()
        return known


def _open_in(zone: ZoneInfo, rules: Iterable[Hours], day: int) -> Iterator[tuple[int, int]]:
    """When all rules are open in a zone, on a UTC day.

    While the zone's offset stays, its wall clock runs as UTC does: an hour that the clocks skip
    is in no piece, one that comes twice is in two.
    """
    for since, until, offset in _pieces(zone, day):
        for local_day in range((since + offset) // _DAY_S, (until - 1 + offset) // _DAY_S + 1):
            midnight = local_day * _DAY_S - offset
            date_there = date.fromordinal(_EPOCH + local_day)
            for start, end in reduce(common, (rule.spans(date_there) for rule in rules)):
                opens, closes = max(since, midnight + start * 60), min(until, midnight + end * 60)
                if opens < closes:
                    yield opens, closes


def _joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """Spans in order, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for opens, closes in spans:
        if joined and joined[-1][1] == opens:
            joined[-1] = (joined[-1][0], closes)
        else:
            joined.append((opens, closes))
    return tuple(joined)


@lru_cache(maxsize=8192)
def _pieces(zone: ZoneInfo, day: int) -> tuple[tuple[int, int, int], ...]:
    """A UTC day cut where the zone's offset changes: (since, until, offset), in seconds."""
    edges = [day * _DAY_S]
    for hour in range(day * _DAY_S, (day + 1) * _DAY_S, _HOUR_S):
        if _offset(zone, hour) != _offset(zone, hour + _HOUR_S):
            edges.append(_first_with_new_offset(zone, hour, hour + _HOUR_S))
    ends = [*edges[1:], (day + 1) * _DAY_S]
    return tuple(
        (since, until, _offset(zone, since))
        for since, until in zip(edges, ends, strict=True)
        if since < until
    )


def _first_with_new_offset(zone: ZoneInfo, before: int, after: int) -> int:
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
