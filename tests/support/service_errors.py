"""The sorted answers of a service called `voice`."""

from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    RefusalKind,
    ServiceRefused,
    ThrottledError,
    TransientError,
)


def transient(retry_after_s: float | None = None) -> TransientError:
    return TransientError("voice", "503 unavailable", http_status=503, retry_after_s=retry_after_s)


def throttled(retry_after_s: float | None = None) -> ThrottledError:
    return ThrottledError("voice", "429 busy lines", http_status=429, retry_after_s=retry_after_s)


def ambiguous() -> AmbiguousError:
    return AmbiguousError("voice", "the answer was lost")


def contact_fault() -> ContactError:
    return ContactError("voice", "422 bad number", http_status=422)


def refused() -> ServiceRefused:
    return ServiceRefused("voice", "401 wrong key", kind=RefusalKind.CREDENTIALS, http_status=401)
