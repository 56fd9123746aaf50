"""What a shell offers where a name is to be typed. Imports nothing slow, and never fails: who
presses Tab has asked nothing yet."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import typer

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # a shell evaluates what it is offered

SERVICES = ("elevenlabs", "crm", "llm", "sheets")
LOGGED_SERVICES = (*SERVICES, "heartbeat")
SHELLS = ("bash", "zsh", "fish")
CHANNELS = ("email", "telegram", "webhook", "apprise")


def watched(incomplete: str) -> list[str]:
    """Services and channels: all that `health` looks at."""
    return _beginning(incomplete, (*SERVICES, *CHANNELS))


def events(incomplete: str) -> list[str]:
    from callagent_cli.domain.event import EventName

    return _beginning(incomplete, [name.value for name in EventName])


def shells(incomplete: str) -> list[str]:
    return _beginning(incomplete, SHELLS)


def channels(incomplete: str) -> list[str]:
    return _beginning(incomplete, CHANNELS)


def campaigns(context: typer.Context, incomplete: str) -> list[str]:
    """Those of the ledger that the command would look at."""
    from callagent_cli.config.finding import peek_place
    from callagent_cli.ledger.names import peek_campaign_names

    try:
        place = peek_place(_config_of(context), os.environ, Path.cwd())
        names = peek_campaign_names(place.state_dir, name=place.ledger_name)
    except Exception:  # noqa: BLE001 - no ledger, a broken config: nothing to offer
        return []
    return _beginning(incomplete, [name for name in names if _PLAIN.fullmatch(name)])


def _config_of(context: typer.Context) -> Path | None:
    """--config, before or after the command's name."""
    for place in (context, context.parent):
        if place is not None and place.params.get("config"):
            return Path(place.params["config"])
    return None


def _beginning(incomplete: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
