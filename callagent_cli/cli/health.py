"""`callagent health`: would the next real request work? Reads only, places nothing."""

import difflib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError, LedgerError
from callagent_cli.domain.health import Health, HealthStatus
from callagent_cli.domain.hold import Hold
from callagent_cli.domain.ports import Prober
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.domain.text import one_line
from callagent_cli.ledger.peek import peek_overview

_EVERY_S = 30.0
_WELL = (HealthStatus.OK, HealthStatus.DISABLED)
_STYLES = {
    HealthStatus.OK: "green",
    HealthStatus.DEGRADED: "yellow",
    HealthStatus.DOWN: "bold red",
    HealthStatus.MISCONFIGURED: "bold red",
    HealthStatus.DISABLED: "dim",
}


def health(services: Sequence[str], *, watch: bool, as_json: bool, common: Common) -> int:
    """services: names; all when empty. With `watch`, probe again every 30 s until Ctrl-C."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    probers = _chosen(wiring.probers(settings), services)
    pause = SystemClock().signal()
    while True:
        held = _held(settings)
        found = [_with(held.get(prober.service), prober.probe()) for prober in probers]
        _tell(found, held, terminal, as_json=as_json)
        if not watch:
            return _status(found)
        with suppress(KeyboardInterrupt):
            pause.wait(_EVERY_S)
            continue
        return _status(found)


def _held(settings: Settings) -> dict[str, Hold]:
    """Service → who holds its breaker open. A ledger that cannot be read says nothing here."""
    with suppress(LedgerError):
        place = settings.place
        found = peek_overview(place.state_dir, name=place.ledger_name, url=place.url)
        return {hold.service: hold for hold in found.holds} if found else {}
    return {}


def _with(hold: Hold | None, health: Health) -> Health:
    """A service that nobody may ask is not well, whatever it would answer."""
    if hold is None or health.status is HealthStatus.DISABLED:
        return health
    is_well = health.status is HealthStatus.OK
    return replace(
        health,
        status=HealthStatus.DEGRADED if is_well else health.status,
        detail=f"{hold}; {health.detail}",
        remedy=f"`callagent breaker close {health.service}` lifts it",
    )


def _chosen(probers: Sequence[Prober], services: Sequence[str]) -> list[Prober]:
    known = {prober.service: prober for prober in probers}
    for service in services:
        if service not in known:
            near = difflib.get_close_matches(service, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"no service {one_line(service, 60)!r} is in use here", hint=hint)
    return [known[service] for service in services] if services else list(probers)


def _status(found: Sequence[Health]) -> ExitStatus:
    is_well = all(health.status in _WELL for health in found)
    return ExitStatus.DONE if is_well else ExitStatus.FAILED


def _tell(
    found: Sequence[Health], held: Mapping[str, Hold], terminal: Terminal, *, as_json: bool
) -> None:
    if as_json:
        rows = [_row(health, is_held=health.service in held) for health in found]
        terminal.result(json.dumps({"services": rows}))
    else:
        terminal.show(_table(found))


def _row(health: Health, *, is_held: bool) -> dict[str, object]:
    return {
        "service": health.service,
        "status": health.status.value,
        "latency_ms": health.latency_ms,
        "detail": health.detail,
        # but for a person's hold, a breaker lives in a run, and none is on here
        "breaker_state": (BreakerState.FORCED_OPEN if is_held else BreakerState.CLOSED).value,
        "checked_at": health.checked_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _table(found: Sequence[Health]) -> Table:
    table = plain_table("service", "status", "latency", "what was proved or is wrong", "to do")
    for health in found:
        latency = f"{health.latency_ms:.0f} ms" if health.latency_ms is not None else "–"
        table.add_row(
            Text(health.service),
            Text(health.status.value, style=_STYLES[health.status]),
            latency,
            Text(one_line(health.detail)),
            Text(one_line(health.remedy) or "–"),
        )
    return table
