"""The settings as they are in force: each value, and where it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, SecretStr

from callagent_cli.config.secrets import Secrets
from callagent_cli.config.services import Retry, Timeout
from callagent_cli.config.settings import Settings
from callagent_cli.config.yaml_file import YamlFile, read_yaml


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    key: str  # dotted
    value: str
    origin: str  # `config.yml:12`, `environment`, `default`


def effective(settings: Settings) -> list[EffectiveValue]:
    """In the order of the settings; secrets only as `set` or `not set`."""
    file = read_yaml(settings.source) if settings.source else YamlFile(settings.state_dir)
    return [*_values(settings, "", file), *_secrets(settings.secrets)]


def _values(section: BaseModel, prefix: str, file: YamlFile) -> Iterator[EffectiveValue]:
    for name, info in type(section).model_fields.items():
        if info.exclude:
            continue
        key = f"{prefix}{info.alias or name}"
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _values(value, f"{key}.", file)
        else:
            origin = file.where(key) if key in file.lines else "default"
            yield EffectiveValue(key, shown(value), origin)


def shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case SecretStr():
            return _told(value)
        case tuple() | list():
            return "[" + ", ".join(shown(item) for item in value) + "]"
        case _:
            return str(value)


def _secrets(secrets: Secrets) -> Iterator[EffectiveValue]:
    for name in type(secrets).model_fields:
        value = getattr(secrets, name)
        if isinstance(value, SecretStr):
            said = _told(value)
        else:
            said = "not set" if value is None else str(value)
        yield EffectiveValue(name.upper(), said, "environment" if value is not None else "-")


def _told(secret: SecretStr) -> str:
    text = secret.get_secret_value()
    return f"set, ends in {text[-4:]}" if len(text) >= 16 else "set"


def retry_schedule(retry: Retry, timeout: Timeout) -> str:
    """`5 s, 10 s, 20 s; at worst 35 s of waiting + 4 x 120 s`."""
    waits = [
        min(retry.initial_delay * retry.backoff_factor**n, retry.max_delay)
        for n in range(retry.max_attempts)
    ]
    tries = retry.max_attempts + 1
    if not waits:
        return f"no retry; at worst {timeout.total:g} s"
    listed = ", ".join(f"{wait:g} s" for wait in waits)
    return f"{listed}; at worst {sum(waits):g} s of waiting + {tries} x {timeout.total:g} s"
