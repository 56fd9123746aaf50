"""Two campaigns that share people, called by cron for fourteen days of simulated time.

`python -m tests.sweeps.fortnight` for the whole; an oracle recomputes it from the files.
"""

import argparse
import csv
import json
import random
import sys
import tempfile
import time as real_time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.config.settings import Settings
from callagent_cli.events.emitter import Emitter
from callagent_cli.intake.contacts import read_contacts
from callagent_cli.ledger.store import Ledger
from callagent_cli.simulator.conversations import SimulatedCall
from callagent_cli.simulator.virtual_clock import VirtualClock
from tests.oracle import fortnight as oracle
from tests.sweeps.report import Section, stamp, write

BEGAN = datetime(2026, 10, 19, 4, tzinfo=UTC)  # clocks go back in Europe and in America
_NUMBERS = ("+1212555{}", "+1312555{}", "+1303555{}", "+1213555{}", "+442079{}06", "+3314266{}")
_ZONES = ("Pacific/Honolulu", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns")
RULES = oracle.Rules(
    opens=time(8),
    closes=time(21),
    closed_on=frozenset({6}),
    margin=timedelta(minutes=5),
    gap=timedelta(hours=4),
    redial={
        "no_answer": timedelta(hours=4),
        "busy": timedelta(minutes=30),
        "voicemail": timedelta(hours=24),
        "failed": None,
    },
    most_calls=5,
    most_a_day=2,
    most_a_week=4,
)


@dataclass(frozen=True, slots=True)
class Size:
    people: int  # of the first campaign; the second has a third as many, half of them shared
    every: timedelta  # from one run to the next
    days: int = 14


def play(folder: Path, size: Size, seed: int) -> list[str]:
    """Live through it; returns what the oracle finds wrong."""
    dice = random.Random(seed)
    _write_people(folder, size, dice)
    settings = _settings(folder, seed)
    clock = VirtualClock(BEGAN)
    outside = wiring.outside(settings, clock)
    assert outside.world is not None
    told: dict[str, dict[str, object]] = {}
    outside.world.says = lambda call: _says(call, seed, told)
    with Ledger.open(settings.state_dir, name="ledger", clock=clock, enough_bytes=0) as ledger:
        _list_some(ledger, folder)
        with (folder / "runs.jsonl").open("w") as runs:
            for at in _times(size):
                clock.signal().wait((at - clock.now()).total_seconds())
                for campaign in ("spring", "survey"):
                    run = _run(folder, settings, outside, ledger, campaign)
                    runs.write(json.dumps(run) + "\n")
    outside.close()
    lines = (json.dumps(line) + "\n" for line in told.values())
    (folder / "provider.jsonl").write_text("".join(lines))
    return oracle.violations(oracle.read(folder, RULES))


def _times(size: Size) -> Iterator[datetime]:
    at = BEGAN
    while at < BEGAN + timedelta(days=size.days):
        yield at
        at += size.every


def _run(
    folder: Path, settings: Settings, outside: wiring.Outside, ledger: Ledger, campaign: str
) -> dict[str, object]:
    clock = outside.clock
    began = clock.now()
    run_id = f"run_{campaign}_{began:%d%H%M}"
    wish = wiring.Wish(campaign, run_id, wiring.limits_of(settings), concurrency=16)
    emit = Emitter(clock, run_id=run_id, campaign=campaign)
    session = wiring.build_session(
        settings, wish, outside=outside, ledger=ledger, emit=emit, channels=()
    )
    for listener in session.listeners:
        emit.listen(listener)
    with ledger.hold(campaign, run_id) as lease:
        session.begin()
        file = read_contacts(folder / f"{campaign}.csv", default_region="US")
        session.take_in(file, source=campaign)
        session.settle_left_overs()
        if session.preflight(()):
            session.work(lease.heartbeat)
        lease.finish(session.close(None).exit_status)
    return {
        "campaign": campaign,
        "began": began.isoformat(),
        "ended": clock.now().isoformat(),
    }


def _says(
    call: SimulatedCall, seed: int, told: dict[str, dict[str, object]]
) -> Mapping[str, object]:
    """Some of those who answer want no more calls, or another at a time; all of it is noted."""
    dice = random.Random(f"{seed}:{call.conversation_id}")
    began = datetime.fromtimestamp(call.began_s, UTC)
    ended = began + timedelta(seconds=call.ring_s + call.talk_s * call.picks_up)
    said: dict[str, object] = {}
    asked = None
    if call.ending == "answered":
        match dice.randrange(20):
            case 0:
                said["do_not_call"] = True
            case 1 | 2:
                asked = ended + timedelta(hours=dice.randint(1, 60))
                said["callback_at"] = asked.isoformat()
    told[call.user_id] = {
        "attempt_id": call.user_id,
        "ended": ended.isoformat(),
        "ending": call.ending,
        "opted_out": "do_not_call" in said,
        "asked": asked.isoformat() if asked else "",
    }
    return said


def _write_people(folder: Path, size: Size, dice: random.Random) -> None:
    people = list(_people(size.people + size.people // 6, dice))
    first = people[: size.people]
    second = [*first[: size.people // 6], *people[size.people :]]
    for name, rows in (("spring", first), ("survey", second)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["phone", "name", "timezone", "consent", "callback_at"])
            writer.writerows(rows)
    listed = (str(row[0]) for row in people if dice.randrange(50) == 0)
    (folder / "listed.txt").write_text("\n".join(listed))


def _people(n: int, dice: random.Random) -> Iterator[list[str]]:
    for k in range(n):
        phone = _NUMBERS[k % len(_NUMBERS)].format(f"{k // len(_NUMBERS):04d}")
        zone = dice.choice(_ZONES) if dice.randrange(4) == 0 else ""
        consent = dice.choice(["yes", "yes", "", "no"]) if dice.randrange(5) == 0 else ""
        day, hour = dice.randrange(19, 30), dice.randrange(24)
        asked = f"2026-10-{day}T{hour:02d}:30" if dice.randrange(8) == 0 else ""
        yield [phone, f"Person {k}", zone, consent, asked]


def _list_some(ledger: Ledger, folder: Path) -> None:
    for phone in (folder / "listed.txt").read_text().split():
        ledger.suppress(phone, reason="asked in writing", source="person")


def _settings(folder: Path, seed: int) -> Settings:
    config = {
        "state_dir": "state",
        "sandbox": {"seed": seed},
        "campaign": {
            "max_attempts_per_contact": RULES.most_calls,
            "max_calls_per_number_per_day": RULES.most_a_day,
            "max_calls_per_number_per_week": RULES.most_a_week,
            "redial": {"no_answer": "4h", "busy": "30m", "voicemail": "24h", "failed": "never"},
            "halt": None,
        },
    }
    path = folder / "config.yml"
    path.write_text(json.dumps(config))
    return wiring.settings_of(path)


def section(size: Size, seed: int) -> Section:
    with tempfile.TemporaryDirectory(prefix="callagent-fortnight-") as name:
        folder = Path(name)
        wrong = play(folder, size, seed)
        lived = oracle.read(folder, RULES)
    endings = Counter(call.ending for call in lived.calls)
    rows = [
        ("people in the two files", f"{len(lived.people):,}"),
        ("numbers in both", f"{_shared(lived):,}"),
        ("runs", f"{len(lived.runs):,}"),
        ("calls", f"{len(lived.calls):,}"),
        *((f"… {ending}", f"{n:,}") for ending, n in endings.most_common()),
        ("… after which nobody may call again", f"{sum(c.opted_out for c in lived.calls):,}"),
        ("… that asked for another at a time", f"{sum(bool(c.asked) for c in lived.calls):,}"),
        ("**calls or people against the rules**", f"**{len(wrong)}**"),
    ]
    for what in wrong[:20]:
        print(f"VIOLATION {what}", flush=True)
    table = "\n".join(f"| {what} | {n} |" for what, n in rows)
    return Section("fortnight", f"| | |\n|---|--:|\n{table}", not wrong)


def _shared(lived: oracle.Fortnight) -> int:
    return sum(n > 1 for n in Counter(person.phone for person in lived.people).values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sweeps.fortnight", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--every-hours", type=float, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--write-report", type=Path, metavar="PAGE")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = real_time.monotonic()
    size = Size(options.people, timedelta(hours=options.every_hours))
    found = section(size, options.seed)
    found = stamp(found, seed=options.seed, seconds=real_time.monotonic() - began)
    print(found.text)
    if options.write_report:
        write(options.write_report, [found])
    return 0 if found.is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
