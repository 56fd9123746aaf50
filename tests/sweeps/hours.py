"""Every minute of three years, in every time zone, for every preset: may a person be called?

`python -m tests.sweeps.hours --write-report docs/calling-hours.md` asks callagent and the
independent count of `tests/oracle/calling_hours.py`, and compares. Exits 1 when they differ.
"""

import argparse
import random
import sys
import time
import zoneinfo
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

from callagent_cli.domain.contact import Contact
from callagent_cli.eligibility.calling_window import CallingWindow
from callagent_cli.eligibility.hours import HoursGate
from callagent_cli.eligibility.places import zones_of_state
from callagent_cli.eligibility.presets import every_preset
from callagent_cli.eligibility.zones import zone_data_version, zone_named
from callagent_cli.ledger.records import Candidate
from tests.oracle import calling_hours as oracle
from tests.sweeps.report import Section, stamp, write
from tests.sweeps.tally import markdown

MARGIN_MIN = 5
_ANY_HOUR = CallingWindow.of("00:00", "24:00", range(7))
_USUAL = CallingWindow.of("08:00", "21:00", range(6))
_PHONES = {"us-strict": "+12125550101"}  # whose state is told by a column


@dataclass(frozen=True, slots=True)
class Case:
    """What holds for a contact: a preset, and the state of the US that its column names."""

    preset: str  # empty: the default window alone
    state: str = ""

    @property
    def gate(self) -> HoursGate:
        window = _ANY_HOUR if self.preset else _USUAL
        presets = (self.preset,) if self.preset else ()
        return HoursGate(window, presets, margin_s=MARGIN_MIN * 60)


@dataclass(frozen=True, slots=True)
class Finding:
    case: Case
    zones: int = 0
    minutes: int = 0
    openings: int = 0
    asked: int = 0  # questions to the gate itself, at the edges
    wrong: tuple[str, ...] = ()


def zones() -> list[str]:
    """Every zone of the packaged data that names a place."""
    zone_named("Europe/Paris")  # from here on, zones are the packaged ones
    names = zoneinfo.available_timezones()
    return sorted(name for name in names if "/" in name and not name.startswith("Etc/"))


def twins(names: Sequence[str]) -> list[list[str]]:
    """Zones by their data: a link is its target under another name, byte for byte."""
    by_data = defaultdict(list)
    for name in names:
        by_data[files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()].append(name)
    return list(by_data.values())


def cases() -> list[Case]:
    return [Case(""), *map(Case, every_preset())]


def sweep(names: list[str]) -> list[Finding]:
    """Compare zones with the same data, in every case and in those of the states there."""
    stretches = oracle.stretches_of(names[0])
    found = [compare(case, name, stretches) for case in cases() for name in names]
    found += [
        compare(Case("us-strict", state), name, stretches)
        for name in names
        for state in _states_in(name)
    ]
    return found


def compare(case: Case, zone: str, stretches: list[oracle.Stretch]) -> Finding:
    expected = list(calendar_of(case).allowed(stretches, MARGIN_MIN))
    gate, candidate = case.gate, _candidate(case, zone)
    actual = list(_openings(gate, candidate.contact))
    wrong = [
        f"{case} {zone}: {_shown(run)} is in one of the two only"
        for run in sorted(set(expected) ^ set(actual))[:3]
    ]
    asked = 0
    for opens, closes in expected:
        for minute, is_inside in _edges(opens, closes):
            asked += 1
            at = datetime.fromtimestamp(oracle.BEGIN_S + minute * 60, UTC)
            if (gate.refuse(candidate, at) is None) != is_inside:
                wrong.append(f"{case} {zone}: {at:%Y-%m-%d %H:%M} UTC is decided wrongly")
    return Finding(case, 1, oracle.MINUTES, len(expected), asked, tuple(wrong[:5]))


def _openings(gate: HoursGate, contact: Contact) -> Iterator[tuple[int, int]]:
    """The runs of minutes that the gate's own opening times have, cut to the years."""
    times = gate.times_of(contact)
    runs: list[tuple[int, int]] = []
    first = oracle.BEGIN_S // 86_400
    for day in range(first, first + oracle.MINUTES // 1440):
        for opens, closes in times.spans(day):
            since, until = opens - oracle.BEGIN_S, closes - oracle.BEGIN_S
            if since % 60 or until % 60:
                raise ValueError(f"{contact.timezone}: an edge between two minutes")
            if runs and runs[-1][1] == since // 60:
                runs[-1] = (runs[-1][0], until // 60)
            else:
                runs.append((since // 60, until // 60))
    yield from runs


def _edges(opens: int, closes: int) -> Iterator[tuple[int, bool]]:
    """The minutes around an opening and its end, within the years."""
    for minute in {opens - 1, opens, closes - 1, closes}:
        if 0 <= minute < oracle.MINUTES:
            yield minute, opens <= minute < closes


def _candidate(case: Case, zone: str) -> Candidate:
    phone = _PHONES.get(case.preset, "+442079460123")
    variables = {"state": case.state} if case.state else {}
    return Candidate(Contact("c", phone, timezone=zone, variables=variables), 0, None)


@cache
def calendar_of(case: Case) -> oracle.Calendar:
    return oracle.Calendar(oracle.rule_of(case.preset, case.state))


@cache
def _states_in_zones() -> dict[str, list[str]]:
    by_zone = defaultdict(list)
    for state in sorted(every_preset()["us-strict"].states):
        for zone in zones_of_state("US", state):
            by_zone[zone].append(state)
    return by_zone


def _states_in(zone: str) -> list[str]:
    return _states_in_zones().get(zone, [])


def _shown(run: tuple[int, int]) -> str:
    begins, ends = (datetime.fromtimestamp(oracle.BEGIN_S + m * 60, UTC) for m in run)
    return f"{begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC"


def table(findings: Sequence[Finding]) -> str:
    rows = []
    for name in dict.fromkeys(_row_name(found.case) for found in findings):
        mine = [found for found in findings if _row_name(found.case) == name]
        sums = [sum(getattr(f, what) for f in mine) for what in ("zones", "minutes", "openings")]
        asked, wrong = sum(f.asked for f in mine), sum(len(f.wrong) for f in mine)
        rows.append([name, *map("{:,}".format, (*sums, asked, wrong))])
    headings = ("rule", "zones", "minutes", "openings", "asked of the gate", "wrong")
    return markdown(headings, rows)


def _row_name(case: Case) -> str:
    if case.state:
        return "us-strict, state known"
    return case.preset or "the default window"


def presets_table() -> str:
    """For the page, from the data."""
    rows = [("preset", "for", "hours there", "source", "rules as of"), ("---",) * 5]
    for preset in every_preset().values():
        hours = _hours(preset.name)
        rows.append((preset.name, preset.title, hours, preset.source, f"{preset.checked}"))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _hours(name: str) -> str:
    preset = every_preset()[name]
    said = str(preset.rule.week)
    if preset.rule.holidays:
        said += "; no public holiday"
    if preset.states:
        said += f"; tighter in {', '.join(preset.states)}; no state known: "
        said += f"{preset.without_state.week}, no public holiday"
    return said


def main() -> int:
    options = _options()
    groups = twins(zones())
    if options.zones:
        print(f"seed {options.seed}", flush=True)
        groups = random.Random(options.seed).sample(groups, options.zones)
    began = time.monotonic()
    findings: list[Finding] = []
    with get_context("spawn").Pool(options.jobs) as pool:
        for found in pool.imap_unordered(sweep, groups):
            findings += found
            for finding in found:
                print(*finding.wrong, sep="\n", end="\n" if finding.wrong else "", flush=True)
    findings.sort(key=lambda found: (_row_name(found.case), found.case.state))
    wrong = any(found.wrong for found in findings)
    text = f"{table(findings)}\n\nTime zone data {zone_data_version()}."
    section = stamp(
        Section("hours", text, not wrong), seed=options.seed, seconds=time.monotonic() - began
    )
    print(section.text)
    if options.write_report:
        write(options.write_report, [section, Section("presets", presets_table(), is_kept=True)])
    return int(wrong)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sweeps.hours", description=__doc__)
    parser.add_argument("--zones", type=int, default=0, help="a sample of so many (all)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write-report", type=Path, metavar="PAGE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
