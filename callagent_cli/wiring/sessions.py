"""HTTP sessions, as the settings bound them."""

from collections.abc import Mapping

from pydantic import SecretStr

from callagent_cli.config.services import Timeout
from callagent_cli.domain.clock import Clock
from callagent_cli.services.http_session import HttpSession, Timeouts


def http_session(
    service: str,
    base_url: str,
    headers: Mapping[str, str],
    timeout: Timeout,
    clock: Clock,
    adapter: object | None = None,
) -> HttpSession:
    """adapter: stands in for the network."""
    limits = Timeouts(timeout.connect, timeout.read, timeout.total)
    return HttpSession(
        service, base_url, headers=headers, timeouts=limits, clock=clock, adapter=adapter
    )


def revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
