"""`callagent breaker`: a person holds a service's breaker open, and lifts it."""

import getpass

from callagent_cli import wiring
from callagent_cli.cli.nearest import known
from callagent_cli.cli.options import Common
from callagent_cli.cli.suggestions import CHANNELS, SERVICES
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName
from callagent_cli.domain.hold import Hold
from callagent_cli.domain.snapshot import BreakerState
from callagent_cli.domain.text import one_line

_MOST_CHARS = 200


def hold_open(service: str, *, reason: str, by: str, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    _require_service(service)
    if not (said := one_line(reason, _MOST_CHARS).strip()):
        raise InputError("why is it held open?", hint="--reason TEXT; whoever looks sees it")
    hold = Hold(service, said, _person(by), SystemClock().now())
    with wiring.open_ledger(settings, SystemClock()) as ledger:
        ledger.hold_open(hold)
    _log(settings, EventName.BREAKER_HELD, hold, BreakerState.FORCED_OPEN, said)
    terminal.say(f"{service} is {hold}")
    terminal.say(f"lift it with `callagent breaker close {service}`")
    return 0


def close(service: str, *, reason: str, by: str, common: Common) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    _require_service(service)
    with wiring.open_ledger(settings, SystemClock()) as ledger:
        lifted = ledger.lift_hold(service)
    if lifted is None:
        raise InputError(
            f"nobody holds {service} open",
            hint="what opened by itself closes by itself: `callagent health` looks at it",
        )
    by_whom = Hold(service, lifted.reason, _person(by), lifted.since)
    said = one_line(reason, _MOST_CHARS)
    _log(settings, EventName.BREAKER_RELEASED, by_whom, BreakerState.CLOSED, said)
    terminal.say(f"{service} is asked again; it was {lifted}")
    return 0


def _require_service(service: str) -> None:
    known(service, [*SERVICES, *CHANNELS], "service", none="")


def _person(by: str) -> str:
    """The flag, else who is logged in; from cron there may be nobody."""
    if named := one_line(by, 80).strip():
        return named
    try:
        return one_line(getpass.getuser(), 80)
    except (OSError, KeyError):
        return "somebody"


def _log(settings: Settings, name: EventName, hold: Hold, state: BreakerState, why: str) -> None:
    wiring.tell(
        settings,
        name,
        service=hold.service,
        breaker_state=state.value,
        retry_count=0,
        by=hold.by,
        reason=why or None,
    )
