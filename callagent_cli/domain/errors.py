"""The error tree. What goes wrong with one contact is a value; these are for the rest.

CallAgentError
├── ConfigError            config.yml or the environment is wrong; nothing was dialled
├── InputError             what was given cannot be used: a file, a name, a flag
├── LedgerError            damaged, foreign, older than its journal, not writable
│   ├── LedgerBusy         another run holds it
│   ├── LedgerOutdated     of an older program: a run brings it up to date
│   ├── LedgerAway         its server does not answer, and may again
│   └── LeaseLost          this run was taken for dead; it may not dial
├── Interrupted            a wait was cut short because the run is stopping
├── GateClosed             a check made again after a wait says: not this contact, not now
└── ServiceError           one answer (or none) of one service, sorted once at the HTTP edge
    ├── TransientError     not connected, 429 system_busy, 503, 5xx on reads: nothing was done
    ├── ThrottledError     429 of our own plan: all lines in use
    ├── AmbiguousError     the request may have been carried out; the answer is lost or unclear
    ├── ContactError       permanent for this contact: 400, 404, 422, a bad number
    │   └── UselessAnswer      it answered, perhaps for money, with what cannot be used
    ├── ServiceRefused     permanent for the service: 401, 402, 403, quota
    └── CircuitOpen        the breaker refused to ask: nothing was sent
"""

from enum import StrEnum


class ErrorCategory(StrEnum):
    """`error_category` in the log."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    AMBIGUOUS = "ambiguous"
    THROTTLED = "throttled"


class CallAgentError(Exception):
    """Something a person must read: what happened, and the `hint` that says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(CallAgentError):
    """config.yml or the environment is wrong; the message names file, line and key."""


class InputError(CallAgentError):
    """The contacts file cannot be read at all (a bad row is a RejectedRow, not an error)."""


class LedgerError(CallAgentError):
    """The ledger cannot be trusted or written; nothing may be dialled."""


class LedgerBusy(LedgerError):
    """Another run holds the ledger."""


class LeaseLost(LedgerError):
    """This run was silent for too long and was taken for dead; it may not dial."""


class LedgerOutdated(LedgerError):
    """An older program wrote it; the next run brings it up to date."""


class LedgerAway(LedgerError):
    """The server that it is on does not answer, or has not done what it was asked."""


class Interrupted(CallAgentError):
    """The run is stopping; the wait in hand was cut short."""


class GateClosed(CallAgentError):
    """A gate that was open before a wait is closed after it; nothing more may be sent."""


class ServiceError(CallAgentError):
    """One answer of one service, sorted.

    `tries` is how many requests the operation has made so far (set by the guard).
    `message` never holds secrets, phone numbers or a raw body.
    """

    category: ErrorCategory

    def __init__(
        self,
        service: str,
        message: str,
        *,
        http_status: int | None = None,
        code: str = "",
        retry_after_s: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.service = service
        self.http_status = http_status
        self.code = code
        self.retry_after_s = retry_after_s
        self.tries = 1


class TransientError(ServiceError):
    """May pass by itself, and shows that nothing was done."""

    category = ErrorCategory.TRANSIENT


class ThrottledError(ServiceError):
    """Our own plan's limit: the service is well, we ask too much of it."""

    category = ErrorCategory.THROTTLED


class AmbiguousError(ServiceError):
    """The request may have been carried out."""

    category = ErrorCategory.AMBIGUOUS


class ContactError(ServiceError):
    """Permanent for this contact; the service is well."""

    category = ErrorCategory.PERMANENT


class UselessAnswer(ContactError):
    """The service did as it was asked, and what it made cannot be used."""

    def __init__(
        self,
        service: str,
        message: str,
        *,
        http_status: int | None = None,
        cost_usd: float | None = None,
    ) -> None:
        super().__init__(service, message, http_status=http_status)
        self.cost_usd = cost_usd  # owed all the same; None: the prices are not known


class RefusalKind(StrEnum):
    CREDENTIALS = "credentials"
    QUOTA = "quota"
    CONFIG = "config"


class ServiceRefused(ServiceError):
    """Permanent for the service until a person acts."""

    category = ErrorCategory.PERMANENT

    def __init__(
        self,
        service: str,
        message: str,
        *,
        kind: RefusalKind,
        http_status: int | None = None,
        code: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(service, message, http_status=http_status, code=code, hint=hint)
        self.kind = kind


class CircuitOpen(ServiceError):
    """The breaker refused to ask; nothing was sent. Neither counted nor retried."""

    category = ErrorCategory.TRANSIENT

    def __init__(
        self,
        service: str,
        message: str,
        *,
        since_s: float,
        retry_after_s: float | None,
        last_error: str,
        is_forced: bool,
    ) -> None:
        super().__init__(service, message, retry_after_s=retry_after_s)
        self.since_s = since_s
        self.last_error = last_error
        self.is_forced = is_forced
        self.tries = 0
