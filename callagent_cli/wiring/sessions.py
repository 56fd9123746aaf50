"""HTTP sessions, as the settings bound them."""

from collections.abc import Mapping

from pydantic import SecretStr

from callagent_cli.config.services import Timeout
from callagent_cli.domain.clock import Clock
from callagent_cli.services.http_session import MAX_BODY_BYTES, HttpSession, Timeouts


def http_session(
    service: str,
    base_url: str,
    headers: Mapping[str, str],
    timeout: Timeout,
    clock: Clock,
    adapter: object | None = None,
    *,
    most_bytes: int = MAX_BODY_BYTES,
) -> HttpSession:
    """adapter: stands in for the network."""
    limits = Timeouts(timeout.connect, timeout.read, timeout.total)
    return HttpSession(
        service,
        base_url,
        headers=headers,
        timeouts=limits,
        clock=clock,
        adapter=adapter,
        most_bytes=most_bytes,
    )


def revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
