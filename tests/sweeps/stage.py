"""One campaign in a folder of its own, and the provider that it calls."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.oracle.provider import AGENT_ID, NUMBER_ID

CAMPAIGN = "people"
_ROOT = Path(__file__).resolve().parents[2]


class Oracle:
    """The provider's process. It ends when this one does, however that comes about."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.oracle.provider"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def open_world(self, key: str, terms: dict[str, object]) -> None:
        self._ask("PUT", f"/oracle/worlds/{key}", json.dumps(terms).encode())

    def close_world(self, key: str) -> None:
        self._ask("DELETE", f"/oracle/worlds/{key}")

    def settle(self) -> None:
        """Wait until every request that was sent, also by the dead, has been dealt with."""
        if not self._ask("GET", "/oracle/quiet")["quiet"]:
            raise RuntimeError("a connection to the provider outlives its run")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a campaign looks like. The same shape is the same campaign."""

    schedule: str = "ok"
    seed: int = 0
    contacts: int = 4
    concurrency: int = 1
    failure_threshold: int = 50


@dataclass(frozen=True, slots=True)
class Stage:
    folder: Path
    key: str
    shape: Shape

    @property
    def ledger(self) -> Path:
        return self.folder / "state" / "ledger.db"

    @property
    def journal(self) -> Path:
        return self.folder / "state" / "ledger.journal"

    @property
    def oracle_log(self) -> Path:
        return self.folder / "oracle.jsonl"

    @property
    def contacts(self) -> Path:
        return self.folder / f"{CAMPAIGN}.csv"

    @property
    def argv(self) -> Sequence[str]:
        options = ("--config", "config.yml", "--no-live", "--yes", "--json")
        return ("run", self.contacts.name, *options)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def set_up(folder: Path, oracle: Oracle, key: str, shape: Shape) -> Stage:
    """Write the campaign's files and open its world."""
    stage = Stage(folder, key, shape)
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text(json.dumps(config(oracle.url, shape), indent=1))
    stage.contacts.write_text(contacts(shape))
    terms = {
        "schedule": shape.schedule,
        "seed": shape.seed,
        "log": str(stage.oracle_log),
        "ledger": str(stage.ledger),
        "journal": str(stage.journal),
    }
    oracle.open_world(key, terms)
    return stage


def numbers(shape: Shape) -> list[str]:
    """The numbers that a campaign of this shape is to reach, E.164."""
    return [f"+1202555{n:04d}" for n in range(110, 110 + shape.contacts)]


def contacts(shape: Shape) -> str:
    """One row a number, one number twice in another spelling, and one row that is no number."""
    rows = ["phone,name"]
    rows += [f"{number},Person {number[-2:]}" for number in numbers(shape)]
    first = numbers(shape)[0]
    rows.append(f"({first[2:5]}) {first[5:8]}-{first[8:]},Twice")
    rows.append("not a number,Nobody")
    return "\n".join(rows) + "\n"


def config(url: str, shape: Shape) -> dict[str, object]:
    return {
        "provider": "elevenlabs",
        "state_dir": "state",
        "services": {
            "elevenlabs": {
                "base_url": url,
                "agent_id": AGENT_ID,
                "agent_phone_number_id": NUMBER_ID,
                "telephony": "twilio",
                "timeout": {"connect": 2, "read": 2, "total": 4},
                "poll_interval": 0.01,
                "ringing_timeout": 5,
                "look_up_after": [0, 0.02, 0.05],
                "retry": {
                    "initial_delay": 0.02,
                    "backoff_factor": 1,
                    "max_attempts": 2,
                    "max_delay": 0.05,
                    "jitter": 0,
                },
                "circuit_breaker": {
                    "failure_threshold": shape.failure_threshold,
                    "recovery_timeout": 0.2,
                },
                "health_check": {"interval": 0.1, "healthy_threshold": 1},
            }
        },
        "campaign": {
            "concurrency": shape.concurrency,
            "default_region": "US",
            "calling_window": None,
            "max_attempts_per_contact": 3,
            "min_gap_between_attempts": 0,
            "redial": dict.fromkeys(("no_answer", "busy", "voicemail", "failed"), "never"),
            "max_outage_wait": 5,
        },
        "logging": {"path": "logs/app.log", "level": "debug"},
    }
