"""What the answers of alert channels mean: 2xx delivered; busy or broken may pass; the rest
needs a person."""

from callagent_cli.domain.errors import RefusalKind, ServiceRefused, TransientError
from callagent_cli.services.http_session import Answer

_PASSING = frozenset({408, 425, 429})


def require_delivered(service: str, answer: Answer, *, retry_after_s: float | None = None) -> None:
    """Raises TransientError or ServiceRefused; a repeat of an alert harms nobody."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in _PASSING or status >= 500:
        raise TransientError(
            service, f"{status} from {service}", http_status=status, retry_after_s=retry_after_s
        )
    raise ServiceRefused(
        service,
        f"{status} from {service}",
        kind=RefusalKind.CREDENTIALS if status in (401, 403, 404) else RefusalKind.CONFIG,
        http_status=status,
        hint=f"check the settings of alerts.{service} and its secret",
    )
