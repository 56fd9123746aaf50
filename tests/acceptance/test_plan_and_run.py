"""What `plan` says and what `run` does: the same people, in any file, again and again."""

import csv
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.support.command_line import call

CONFIG = """sandbox: {speed: 1000000}
campaign: {concurrency: 2, require_consent: true, calling_window: {start: "08:00", end: "19:00"}}
"""
COLUMNS = ("id", "phone", "timezone", "consent", "callback_at")
PREFIXES = ("+1202555", "+1415555", "+1808555", "+44207946", "+61255501", "+1800555")
ZONES = ("", "", "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Mars/Olympus")
CALLBACKS = ("", "", "", "2001-02-03T10:00", "2099-01-01T10:00", "tomorrow")


def people(chance: random.Random, n: int) -> list[dict[str, str]]:
    return [
        {
            "id": f"c{k}",
            "phone": f"{chance.choice(PREFIXES)}{100 + k % 100:04d}",
            "timezone": chance.choice(ZONES),
            "consent": chance.choice(("yes", "yes", "yes", "no", "")),
            "callback_at": chance.choice(CALLBACKS),
        }
        for k in range(n)
    ]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def planned(folder: Path, name: str, *flags: str) -> dict[str, str]:
    """id → verdict."""
    ended = call(folder, "plan", "people.csv", "--csv", name, "--show-pii", "--json", *flags)
    assert ended.status == 0, ended.err
    with (folder / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = {row["id"]: row["verdict"] for row in rows if row["verdict"] != "rejected"}
    totals = json.loads(ended.out)
    assert Counter(told.values()) == totals["verdicts"], "the sum is of these rows"
    assert len(rows) - len(told) == totals["rejected"]
    return told


def attempts(folder: Path) -> dict[str, int]:
    """id → attempts so far."""
    ended = call(folder, "report", "people", "--json", "--show-pii")
    contacts = json.loads(ended.out)["contacts"] if ended.status == 0 else []
    return {one["id"]: len(one["attempts"]) for one in contacts}


@pytest.mark.parametrize("seed", range(3))
def test_who_is_planned_to_be_called_is_called_and_nobody_else(seed: int, tmp_path: Path) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    (tmp_path / "config.yml").write_text(CONFIG)
    rows = people(chance, 40)
    call(tmp_path, "dnc", "add", *(row["phone"] for row in rows[:3]))
    told: dict[str, str] = {}
    # the first run ends early, the second sees whom it left, and new rows
    for step in range(3):
        flags = [("--limit", "4"), (), tuple(f"--contact={one}" for one in list(told)[::5])][step]
        write(tmp_path / "people.csv", rows)
        told = planned(tmp_path, f"plan{step}.csv", *flags)
        before = attempts(tmp_path)
        ran = call(tmp_path, "run", "people.csv", "--json", *flags)
        assert ran.status in {0, 4}, ran.err
        after = attempts(tmp_path)
        called = {contact for contact, n in after.items() if n > before.get(contact, 0)}
        assert called == {contact for contact, fate in told.items() if fate == "call now"}
        rows += people(chance, 6) if step == 0 else []
        for k, row in enumerate(rows):
            row["id"] = f"c{k}"
    assert len(set(told.values())) > 2
