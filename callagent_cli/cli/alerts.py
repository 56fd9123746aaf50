"""`callagent alerts test`: one marked alert through each enabled channel."""

import difflib
from collections.abc import Sequence

from rich.text import Text

from callagent_cli import wiring
from callagent_cli.checkup.services import test_alert
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.options import Common
from callagent_cli.cli.terminal import Terminal
from callagent_cli.domain.alert import Alert, AlertChannel
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError, ServiceError
from callagent_cli.domain.text import one_line


def test_channels(names: Sequence[str], common: Common) -> int:
    """Report each channel's result; DONE only when all took the alert."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    clock = SystemClock()
    enabled = {channel.name: channel for channel in wiring.plain_channels(settings, clock)}
    for warning in wiring.warnings_of(settings):
        if warning.startswith("alerts."):
            terminal.say(f"warning: {warning}")
    for name in names:
        _require_known(name, list(enabled))
    if not enabled:
        terminal.say("no alert channel is enabled; see `alerts` in config.yml")
        return ExitStatus.USAGE
    chosen = [enabled[name] for name in names] or list(enabled.values())
    alert = test_alert(clock, "callagent alerts test")
    results = [_send(channel, alert, terminal) for channel in chosen]
    return ExitStatus.DONE if all(results) else ExitStatus.FAILED


def _require_known(name: str, enabled: list[str]) -> None:
    if name in enabled:
        return
    near = difflib.get_close_matches(name, enabled, 1)
    known = f"enabled: {', '.join(enabled)}" if enabled else "none is enabled in config.yml"
    hint = f"did you mean {near[0]}?" if near else known
    raise InputError(f"no enabled alert channel {name!r}", hint=hint)


def _send(channel: AlertChannel, alert: Alert, terminal: Terminal) -> bool:
    try:
        channel.send(alert)
    except ServiceError as error:
        hint = f"; {error.hint}" if error.hint else ""
        terminal.show(Text(f"{channel.name}: FAILED: {one_line(error.message)}{hint}"))
        return False
    terminal.show(Text(f"{channel.name}: sent"))
    return True
