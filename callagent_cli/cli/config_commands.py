"""`callagent config check`, `show`, `schema`."""

import json

from rich.table import Table
from rich.text import Text

from callagent_cli import wiring
from callagent_cli.cli.options import Common
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.effective import effective, retry_schedule
from callagent_cli.config.settings import Settings


def check(common: Common) -> int:
    """All problems at once are a ConfigError; here is what is left to say."""
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    source = settings.source or "no config file: the defaults"
    for warning in wiring.warnings_of(settings):
        terminal.say(f"warning: {warning}")
    if not wiring.is_sandbox(settings):
        wiring.check_ready(settings)
    terminal.show(Text(f"{source}: ok"))
    return 0


def show(common: Common, *, as_json: bool) -> int:
    terminal, settings = Terminal.of(common), wiring.settings_of(common.config)
    values = effective(settings)
    if as_json:
        listed = {value.key: {"value": value.value, "origin": value.origin} for value in values}
        terminal.result(json.dumps(listed, indent=2))
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("key", "value", "from"):
        table.add_column(heading, overflow="fold")
    for value in values:
        dim = "dim" if value.origin == "default" else ""
        table.add_row(
            Text(value.key, style=dim), Text(value.value), Text(value.origin, style="dim")
        )
    voice = settings.services.elevenlabs
    terminal.show(
        table, Text(f"retries of elevenlabs after {retry_schedule(voice.retry, voice.timeout)}")
    )
    return 0


def schema() -> int:
    described = Settings.model_json_schema(mode="validation")
    for hidden in ("secrets", "source"):
        described["properties"].pop(hidden, None)
    described["title"] = "config.yml of callagent"
    Terminal.of(Common()).result(json.dumps(described, indent=2))
    return 0
