"""The settings of this process, and whether they suffice for real calls."""

import os
from pathlib import Path

from callagent_cli.config.loading import load_settings, missing_for_real_calls, warnings
from callagent_cli.config.settings import Settings
from callagent_cli.domain.errors import ConfigError


def settings_of(config: Path | None) -> Settings:
    """From the file, the environment and the folder this process was started in."""
    return load_settings(config, os.environ, Path.cwd())


def check_ready(settings: Settings) -> None:
    """A real provider needs its ids and its key; raises ConfigError with all that is missing."""
    if is_sandbox(settings):
        return
    if missing := missing_for_real_calls(settings):
        raise ConfigError("; ".join(missing), hint="`callagent config check` shows all problems")


def warnings_of(settings: Settings) -> list[str]:
    return warnings(settings)


def is_sandbox(settings: Settings) -> bool:
    return settings.place.is_sandbox


def is_shared(settings: Settings) -> bool:
    """Whether several processes may work at once: on a server, with the real provider. The
    sandbox has a time of its own, which no two processes share."""
    return settings.place.url is not None and not is_sandbox(settings)


def mirror_path(settings: Settings) -> Path:
    """Of the CSV file that stands in for a sheet: beside the log."""
    return settings.logging.path.with_name("sheets_mirror.csv")
