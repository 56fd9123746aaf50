"""`callagent worker`, `pause` and `resume`: what a fleet is led with."""

import socket

from callagent_cli import wiring
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.options import Common
from callagent_cli.cli.render import TerminalChannel, line_for
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import Event, EventName, Listener
from callagent_cli.domain.text import one_line


def work(concurrency: int | None, common: Common) -> int:
    """Until INT or TERM. Returns 0: that is how a worker ends."""
    terminal = Terminal.of(common)
    settings = wiring.settings_of(common.config)
    require_shared(settings, "a worker")
    wiring.check_ready(settings)
    from callagent_cli.wiring import shifts

    lanes = concurrency or settings.campaign.concurrency
    crewing = shifts.Crewing(
        "worker",
        lanes,
        channels=(TerminalChannel(terminal.say),),
        listeners=(terminal_listener(terminal),),
    )
    clock = SystemClock()
    stop = clock.signal()
    with wiring.open_ledger(settings, clock) as ledger, Interrupts(stop.set) as interrupts:
        calls = "call" if lanes == 1 else "calls"
        terminal.say(f"worker on {socket.gethostname()}: {lanes} {calls} at the same time")
        worker = shifts.build_worker(settings, ledger.fleet(), crewing, clock=clock, stop=stop)
        worker.run(lambda: interrupts.exit_status)
    terminal.say(f"worker ended: {worker.dialled} called")
    return 0


def terminal_listener(terminal: Terminal) -> Listener:
    """Says what a person at the terminal, or who reads its journal, must know at once; the rest
    of it with -v."""

    def hear(event: Event) -> None:
        is_vital = event.name in (EventName.LEDGER_LOST, EventName.LEDGER_FOUND)
        if (line := line_for(event)) is not None:
            (terminal.say if is_vital else terminal.detail)(line)

    return hear


def pause(campaign: str, reason: str, common: Common) -> int:
    terminal = Terminal.of(common)
    settings = wiring.settings_of(common.config)
    require_shared(settings, "pause")
    with wiring.open_ledger(settings, SystemClock()) as ledger:
        wiring.known_campaign(ledger, campaign)
        why = one_line(reason, 200) or "paused by hand"
        if not ledger.fleet().pause(campaign, why):
            raise InputError(
                f"nobody works on {campaign}, or it is paused already",
                hint="`callagent status` shows what is ordered",
            )
    wiring.tell(settings, EventName.ORDER_PAUSED, campaign=campaign, reason=why)
    terminal.say(f"{campaign} is paused on every host; `callagent resume {campaign}` goes on")
    return 0


def resume(campaign: str, common: Common) -> int:
    terminal = Terminal.of(common)
    settings = wiring.settings_of(common.config)
    require_shared(settings, "resume")
    with wiring.open_ledger(settings, SystemClock()) as ledger:
        wiring.known_campaign(ledger, campaign)
        if not ledger.fleet().resume(campaign):
            raise InputError(
                f"{campaign} is not paused", hint="`callagent status` shows what is ordered"
            )
    wiring.tell(settings, EventName.ORDER_RESUMED, campaign=campaign)
    terminal.say(f"{campaign} goes on")
    return 0


def require_shared(settings: Settings, what: str) -> None:
    """Raises InputError where one process works alone."""
    if settings.place.url is None:
        raise InputError(
            f"{what} needs a ledger on a server, which several hosts share",
            hint="set CALLAGENT_DATABASE_URL; a run alone is paused with Ctrl-C",
        )
    if wiring.is_sandbox(settings):
        raise InputError(
            f"{what} is for real calls: the sandbox has a time of its own, in one process",
            hint="set `provider: elevenlabs`; `callagent run` rehearses alone",
        )
