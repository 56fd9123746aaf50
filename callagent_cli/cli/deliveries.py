"""`callagent deliveries`: messages owed to CRM, sheet and alert channels, and dead letters."""

import json
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.options import Common
from callagent_cli.cli.tables import counts_text, plain_table
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line
from callagent_cli.events.emitter import Emitter
from callagent_cli.ledger.outbox import OwedMessage
from callagent_cli.ledger.store import Ledger

_SHOWN = 200  # rows on a screen; --json has all


def list_owed(*, as_json: bool, common: Common) -> int:
    """What is owed, oldest first, and what was given up."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    ledger = wiring.read_ledger_if_any(settings)
    if ledger is None:
        owed: list[OwedMessage] = []
    else:
        with ledger:
            owed = ledger.list_messages("owed", "dead")
    if as_json:
        terminal.result(json.dumps({"messages": [message.to_json() for message in owed]}))
    elif not owed:
        terminal.say("nothing is owed")
    else:
        _show(owed, terminal)
    return ExitStatus.DONE


def _show(owed: Sequence[OwedMessage], terminal: Terminal) -> None:
    terminal.show(_table(owed[:_SHOWN]))
    if len(owed) > _SHOWN:
        terminal.say(f"… and {len(owed) - _SHOWN} more; --json lists all")
    terminal.say("`callagent deliveries flush` delivers what is owed")
    if any(message.state == "dead" for message in owed):
        terminal.say(
            "dead letters: `callagent deliveries retry ID…` owes them again, "
            "`callagent deliveries drop ID…` gives them up"
        )


def _table(owed: Sequence[OwedMessage]) -> Table:
    table = plain_table("id", "to", "state", "since (UTC)", "tries", "last error")
    for message in owed:
        style = "bold red" if message.state == "dead" else ""
        table.add_row(
            str(message.id),
            Text(message.destination),
            Text(message.state, style=style),
            f"{message.created_at:%Y-%m-%d %H:%M:%S}",
            str(message.tries),
            Text(one_line(message.last_error) or "–"),
        )
    return table


def retry(ids: Sequence[int], *, is_all: bool, common: Common) -> int:
    """Dead letters are owed again."""
    _require_choice(ids, is_all=is_all)
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    with wiring.held_ledger(settings) as ledger:
        chosen = None if is_all else _known(ledger, ids, "dead")
        revived = ledger.revive(chosen)
    terminal.say(f"{revived} owed again; the next run or `callagent deliveries flush` delivers")
    return ExitStatus.DONE


def drop(ids: Sequence[int], *, is_all: bool, common: Common) -> int:
    """Give messages up for good: the ones named, or every dead letter."""
    _require_choice(ids, is_all=is_all)
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    with wiring.held_ledger(settings) as ledger:
        if is_all:
            chosen = [message.id for message in ledger.list_messages("dead")]
        else:
            chosen = _known(ledger, ids, "owed", "dead")
        dropped = ledger.drop(chosen)
    terminal.say(f"{dropped} given up")
    return ExitStatus.DONE


def _require_choice(ids: Sequence[int], *, is_all: bool) -> None:
    if not ids and not is_all:
        hint = "name the ids that `callagent deliveries list` shows, or say --all"
        raise InputError("which messages?", hint=hint)


def _known(ledger: Ledger, ids: Sequence[int], *states: str) -> list[int]:
    there = {message.id for message in ledger.list_messages(*states)}
    if missing := [str(one) for one in ids if one not in there]:
        what = " or ".join(states)
        hint = "see `callagent deliveries list`"
        raise InputError(f"no {what} message {', '.join(missing)}", hint=hint)
    return list(ids)


def flush(*, within_s: float, as_json: bool, common: Common) -> int:
    """Deliver what is owed now, in order, for `within_s` seconds at most."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    if wiring.read_ledger_if_any(settings) is None:
        terminal.say("nothing is owed")
        return ExitStatus.DONE
    clock = SystemClock()
    emitter = Emitter(clock, run_id="flush")
    emitter.listen(wiring.log_of(settings))
    with wiring.held_ledger(settings, sole="deliveries") as ledger:  # else a worker delivers too
        before = ledger.owed()
        outside = wiring.outside(settings, clock)
        deliveries = wiring.build_deliveries(settings, outside, ledger, emitter)
        emitter.listen(deliveries)
        with Interrupts(deliveries.stop) as interrupts:
            left = deliveries.flush(within_s)
        unreachable = sorted(set(left) - {route.name for route in deliveries.routes})
        dead = sum(ledger.owed_by_destination("dead").values())
    still = sum(left.values())
    if as_json:
        told = {"delivered": before - still, "owed_to": left, "dead_letters": dead}
        terminal.result(json.dumps(told))
    else:
        terminal.show(Text(_said(before - still, left, dead)))
        for name in unreachable:
            terminal.say(f"{name} is not enabled in the config: what it is owed stays owed")
    if interrupts.exit_status is not None:
        return interrupts.exit_status
    return ExitStatus.RESUMABLE if still else ExitStatus.DONE


def _said(delivered: int, left: dict[str, int], dead: int) -> str:
    parts = [f"{delivered} delivered"]
    parts.append(f"still owed: {counts_text(left)}" if left else "nothing more is owed")
    if dead:
        parts.append(f"{dead} given up (`callagent deliveries list`)")
    return "; ".join(parts)
