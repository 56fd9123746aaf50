"""Recomputes, from files alone, whether two weeks of calls were what the rules call for.

It shares no code with the product: it reads the contacts files, the dial journal, what the
provider saw and when the runs were, and works out for each dial whether it was allowed, and for
each contact and run whether a dial was due.
"""

import csv
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SLACK = timedelta(minutes=25)  # until the product has noticed the end of a call

# typed from the numbering plans: where the numbers are that the files leave without a zone
_ZONES = {
    "+1212": ("America/New_York",),
    "+1312": ("America/Chicago",),
    "+1303": ("America/Denver",),
    "+1213": ("America/Los_Angeles",),
    "+4420": ("Europe/London",),
    "+331": ("Europe/Paris",),
}
_FRENCH_HOLIDAYS = {date(2026, 11, 1), date(2026, 11, 11)}


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds, clock times of the person called, counts."""

    opens: time
    closes: time
    closed_on: frozenset[int]  # 0 is Monday
    margin: timedelta
    gap: timedelta
    redial: dict[str, timedelta | None]
    most_calls: int  # of a campaign to a contact
    most_a_day: int
    most_a_week: int


@dataclass(frozen=True, slots=True)
class Call:
    """One dial, and how the provider says that it went."""

    attempt_id: str
    campaign: str
    phone: str
    at: datetime
    ended: datetime
    ending: str
    opted_out: bool
    asked: datetime | None  # to be called at


@dataclass(frozen=True, slots=True)
class Person:
    campaign: str
    phone: str
    zones: tuple[str, ...]
    consent: str
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    campaign: str
    began: datetime
    ended: datetime


@dataclass(slots=True)
class Fortnight:
    """Everything that is known from outside."""

    rules: Rules
    people: list[Person]
    calls: list[Call]
    runs: list[Run]
    listed: frozenset[str]  # numbers on the do-not-call list from the beginning
    of_phone: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for call in sorted(self.calls, key=lambda call: call.at):
            self.of_phone[call.phone].append(call)


def read(folder: Path, rules: Rules) -> Fortnight:
    """folder: with `<campaign>.csv`, `state/*.journal`, `provider.jsonl`, `runs.jsonl` and
    `listed.txt`."""
    runs = [
        Run(line["campaign"], _at(line["began"]), _at(line["ended"]))
        for line in _lines(folder / "runs.jsonl")
    ]
    campaigns = sorted({run.campaign for run in runs})
    seen = {line["attempt_id"]: line for line in _lines(folder / "provider.jsonl")}
    return Fortnight(
        rules,
        [person for name in campaigns for person in _people(folder / f"{name}.csv")],
        list(_calls(folder, seen)),
        runs,
        frozenset((folder / "listed.txt").read_text().split()),
    )


def violations(fortnight: Fortnight) -> list[str]:
    """Everything that is wrong, in words."""
    known = {(person.campaign, person.phone): person for person in fortnight.people}
    wrong = []
    for call in fortnight.calls:
        person = known.get((call.campaign, call.phone))
        faults = _faults(fortnight, person, call) if person else ["is in no file"]
        wrong += [f"{call.campaign} {call.phone} at {call.at:%m-%d %H:%M}: {f}" for f in faults]
    return wrong + list(_forgotten(fortnight))


def _faults(fortnight: Fortnight, person: Person, call: Call) -> Iterator[str]:
    rules = fortnight.rules
    if not is_legal(rules, person, call.at):
        yield f"outside the hours of {person.zones}"
    due = _due(fortnight, person, before=call.at)
    if due is None:
        yield "was not to be called any more"
    elif call.at < due:
        yield f"not due before {due:%m-%d %H:%M:%S}"


def is_legal(rules: Rules, person: Person, at: datetime) -> bool:
    """At this moment, in every zone that the person may be in."""
    is_french = person.phone.startswith("+33")
    return all(_is_open(rules, zone, is_french, at) for zone in person.zones)


def _is_open(rules: Rules, zone: str, is_french: bool, at: datetime) -> bool:
    local = at.astimezone(_zone(zone))
    if local.weekday() in rules.closed_on:
        return False
    spans = [(rules.opens, rules.closes)]
    if is_french:
        if local.weekday() > 4 or local.date() in _FRENCH_HOLIDAYS:
            return False
        spans = [(time(10), time(13)), (time(14), time(20))]
    wall = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    return any(_since(begin) <= wall < _since(end) - rules.margin for begin, end in spans)


def _since(wall: time) -> timedelta:
    return timedelta(hours=wall.hour, minutes=wall.minute)


def _due(fortnight: Fortnight, person: Person, *, before: datetime) -> datetime | None:
    """From when on, but for the hours, the person may be called again, knowing what had happened
    before that moment; None: never."""
    rules = fortnight.rules
    past = [call for call in fortnight.of_phone[person.phone] if call.at < before]
    if person.consent == "no" or person.phone in fortnight.listed:
        return None
    if any(call.opted_out for call in past):
        return None
    own = [call for call in past if call.campaign == person.campaign]
    if len(own) >= rules.most_calls:
        return None
    due = [datetime.min.replace(tzinfo=UTC)]
    if person.not_before:
        due.append(person.not_before)
    if own:
        again = _again(rules, own[-1])
        if again is None:
            return None
        due.append(again)
    is_asked_for = bool(own) and own[-1].asked is not None
    reached = [call for call in past if call.ending != "busy"]
    if reached and not is_asked_for:
        due.append(reached[-1].at + rules.gap)
    for most, span in ((rules.most_a_day, DAY), (rules.most_a_week, 7 * DAY)):
        if len(past) >= most:
            due.append(past[-most].at + span)
    return max(due)


def _again(rules: Rules, last: Call) -> datetime | None:
    if last.asked is not None:
        return last.asked
    delay = rules.redial.get(last.ending)
    return last.ended + delay if delay is not None else None


def _forgotten(fortnight: Fortnight) -> Iterator[str]:
    """Whoever was due and callable from a run's first moment to its last, and was not called."""
    dialled: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for call in fortnight.calls:
        dialled[call.campaign, call.phone].append(call.at)
    for times in dialled.values():
        times.sort()
    by_campaign: dict[str, list[Person]] = defaultdict(list)
    for person in fortnight.people:
        by_campaign[person.campaign].append(person)
    for run in fortnight.runs:
        for person in by_campaign[run.campaign]:
            times = dialled[run.campaign, person.phone]
            at = bisect_left(times, run.began)
            if at < len(times) and times[at] <= run.ended:
                continue
            due = _due(fortnight, person, before=run.began)
            if due is None or due + SLACK > run.began:
                continue
            if _stays_open(fortnight.rules, person, run):
                yield f"{run.campaign} {person.phone} was due at {run.began:%m-%d %H:%M}"


def _stays_open(rules: Rules, person: Person, run: Run) -> bool:
    at = run.began
    while at < run.ended:
        if not is_legal(rules, person, at):
            return False
        at += timedelta(minutes=15)
    return is_legal(rules, person, run.ended)


def _people(file: Path) -> Iterator[Person]:
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            phone, zone = row["phone"], row["timezone"]
            zones = (zone,) if zone else _zones_of(phone)
            asked = row["callback_at"]
            not_before = (
                datetime.fromisoformat(asked).replace(tzinfo=_zone(zones[0])) if asked else None
            )
            yield Person(file.stem, phone, zones, row["consent"], not_before)


def _zones_of(phone: str) -> tuple[str, ...]:
    return next(zones for prefix, zones in _ZONES.items() if phone.startswith(prefix))


def _calls(folder: Path, seen: dict[str, dict[str, str]]) -> Iterator[Call]:
    for journal in (folder / "state").glob("*.journal"):
        for text in journal.read_text().splitlines()[1:]:
            line = json.loads(text.partition(" ")[2])  # a check sum stands before each
            told = seen[line["attempt_id"]]
            yield Call(
                line["attempt_id"],
                line["campaign"],
                line["phone"],
                _at(line["started_at"]),
                _at(told["ended"]),
                told["ending"],
                opted_out=bool(told["opted_out"]),
                asked=_at(told["asked"]) if told["asked"] else None,
            )


def _lines(file: Path) -> Iterator[dict[str, str]]:
    for line in file.read_text().splitlines():
        yield json.loads(line)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
