"""The kinds of values that settings are made of: spans of time, URLs."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator as After
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from callagent_cli.config.durations import LONGEST_S, read_duration

DURATION_FORMS: list[dict[str, object]] = [
    {"type": "number", "minimum": 0, "maximum": LONGEST_S},
    {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|min|m|h|d)?$"},
]
Duration = Annotated[
    float, BeforeValidator(read_duration), WithJsonSchema({"anyOf": DURATION_FORMS})
]

_NUMBERS = (int, float, int | None, float | None)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_yes_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        """Python takes true for 1; who writes it means something else."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and annotation in _NUMBERS:
            raise ValueError("must be a number")
        return value


def positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be more than 0")
    return seconds


Span = Annotated[Duration, After(positive)]


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL that begins with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold neither a login nor a query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("http:// is allowed for this machine only (127.0.0.1); use https://")
    return url.rstrip("/")


def web_url(url: str) -> str:
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and _is_loopback(parts.hostname or "")
    )
    if not parts.hostname or not is_safe:
        raise ValueError("must be a URL that begins with https:// (http:// for this machine only)")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


WebUrl = Annotated[str, After(web_url)]
BaseUrl = Annotated[str, After(_base_url)]
