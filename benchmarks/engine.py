"""What a run costs for each contact, and how near it comes to the ideal rate."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.contacts import write_contacts
from benchmarks.figures import Figure, Target, less, paired
from benchmarks.processes import Cost, provider, side

_CPU_LIMIT_MS = 2.5
_RATE_LIMIT = 0.90
_LIVE_LIMIT = 1.05
_REQUESTS_A_CALL = 2  # the dial, and one read that finds the call ended

Side = Callable[[], Cost]


def per_contact(rounds: int, calls: int, folder: Path) -> list[Figure]:
    """One call after the other, on a provider that answers at once."""
    with provider(0.0) as url:
        sides: dict[str, Side] = {
            "bare": lambda: side("bare", url, calls, 1, folder=folder),
            "edge": lambda: side("edge", url, calls, 1, folder=folder),
            "run": lambda: _run(url, calls, 1, folder),
            "live": lambda: _run(url, calls, 1, folder, is_live=True),
        }
        costs = _in_turn(sides, rounds)
    wall_ms = {name: [cost.wall_s * 1000 / calls for cost in costs[name]] for name in sides}
    cpu_ms = {name: [cost.cpu_s * 1000 / calls for cost in costs[name]] for name in sides}
    return [
        _against("wall time a contact, against bare requests", wall_ms["run"], wall_ms["bare"]),
        _against("CPU a contact, against bare requests", cpu_ms["run"], cpu_ms["bare"]),
        _against("… its HTTP alone, against bare requests", cpu_ms["edge"], cpu_ms["bare"]),
        _overhead("CPU of the engine a contact", cpu_ms["run"], cpu_ms["edge"]),
        _overhead("… with the live view", cpu_ms["live"], cpu_ms["edge"]),
        _overhead(
            "CPU of all of it above bare requests, a contact", cpu_ms["live"], cpu_ms["bare"]
        ),
        _live(wall_ms["live"], wall_ms["run"]),
    ]


def _against(what: str, ours: list[float], theirs: list[float]) -> Figure:
    ratio = f"{paired(ours, theirs):.2f}"
    return Figure(what, f"{median(ours):.2f} ms", f"{median(theirs):.2f} ms", ratio)


def _overhead(what: str, ours: list[float], http: list[float]) -> Figure:
    above_ms = less(ours, http)
    target = Target(f"≤ {_CPU_LIMIT_MS} ms", above_ms, _CPU_LIMIT_MS)
    return Figure(what, f"{above_ms:.2f} ms", f"HTTP {median(http):.2f} ms", "", target)


def _live(live: list[float], plain: list[float]) -> Figure:
    ratio = paired(live, plain)
    target = Target(f"≤ {_LIVE_LIMIT}", ratio, _LIVE_LIMIT)
    return Figure(
        "wall time with the live view, against without",
        f"{median(live):.2f} ms",
        f"{median(plain):.2f} ms",
        f"{ratio:.2f}",
        target,
    )


def rates(
    rounds: int, seconds: float, lanes: tuple[int, ...], delay_s: float, folder: Path
) -> list[Figure]:
    """Calls at the same time, on a provider that thinks before it answers.

    seconds: how long each run would last at the ideal rate.
    """
    with provider(delay_s) as url:
        return [_rate(rounds, seconds, n, url, delay_s, folder) for n in lanes]


def _rate(
    rounds: int, seconds: float, lanes: int, url: str, delay_s: float, folder: Path
) -> Figure:
    call_s = _REQUESTS_A_CALL * delay_s
    calls = max(1, round(seconds / call_s)) * lanes
    ideal_s = calls / lanes * call_s
    sides: dict[str, Side] = {
        "bare": lambda: side("bare", url, calls, lanes, folder=folder),
        "run": lambda: _run(url, calls, lanes, folder),
    }
    costs = _in_turn(sides, rounds)
    ours, theirs = ([ideal_s / cost.wall_s for cost in costs[name]] for name in ("run", "bare"))
    share = median(ours)
    is_target = lanes == 16
    return Figure(
        f"share of the ideal rate ({lanes / call_s:.0f} calls/s), {lanes} at a time",
        f"{share:.0%}",
        f"{median(theirs):.0%}",
        f"{paired(ours, theirs):.2f}",
        Target(f"≥ {_RATE_LIMIT:.0%}", share, _RATE_LIMIT, is_floor=True) if is_target else None,
    )


def _in_turn(sides: dict[str, Side], rounds: int) -> dict[str, list[Cost]]:
    """Every side once a round; the first round only warms up."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for n in range(rounds + 1):
        for name, measure in sides.items():
            cost = measure()
            if n:
                costs[name].append(cost)
    return costs


def _run(url: str, calls: int, lanes: int, folder: Path, *, is_live: bool = False) -> Cost:
    """A campaign of its own: new folder, new ledger, full sync, log."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        own = Path(name)
        write_contacts(own / "contacts.csv", calls)
        (own / "config.yml").write_text(_config(url))  # JSON is YAML
        words = ("contacts.csv", "--yes", "--concurrency", lanes)
        live = () if is_live else ("--no-live",)
        return side("run", *words, *live, folder=own, on_terminal=is_live)


def _config(url: str) -> str:
    voice = {
        "base_url": url,
        "agent_id": "agent_1",
        "agent_phone_number_id": "phnum_1",
        "poll_interval": 0.0001,
    }
    campaign = {"calling_window": None, "min_gap_between_attempts": 0}
    return json.dumps(
        {"provider": "elevenlabs", "services": {"elevenlabs": voice}, "campaign": campaign}
    )
