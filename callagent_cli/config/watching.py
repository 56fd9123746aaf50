"""Settings of those who watch from outside: a metrics file, a dead-man's switch."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator as After
from pydantic import Field, SecretStr

from callagent_cli.config.fields import web_url


def _secret_url(url: SecretStr) -> SecretStr:
    web_url(url.get_secret_value())
    return url


SecretUrl = Annotated[SecretStr, After(_secret_url)]  # who knows it may speak for us

MetricsFile = Annotated[
    Path | None,
    Field(description="numbers for Prometheus, as callagent.prom; null: none"),
]
HeartbeatUrl = Annotated[
    SecretUrl | None,
    Field(description="dead-man's switch: told when a run begins and how it ends; null: none"),
]
