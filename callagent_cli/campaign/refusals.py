"""After a dial that definitely rang no phone: where the contact goes.

Pure. A *failed* contact used up its own tries, or alone made the breaker open; a *deferred*
one was cut short by an outage it did not cause, and is taken up again in the same run.
"""

from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import (
    CallAgentError,
    CircuitOpen,
    ContactError,
    ErrorCategory,
    ServiceError,
    ServiceRefused,
    ThrottledError,
)
from callagent_cli.ledger.records import NextStep


def category_of(error: CallAgentError) -> ErrorCategory:
    """What the log calls it; an interrupted or gated dial may simply be made later."""
    return error.category if isinstance(error, ServiceError) else ErrorCategory.TRANSIENT


def step_after_refusal(error: CallAgentError, *, own_tries: int, threshold: int) -> NextStep:
    """own_tries: requests one operation may make in all; threshold: failures that open the
    breaker."""
    match error:
        case ServiceRefused():
            return NextStep(ContactState.PENDING, reason=error.message)
        case ContactError():
            return NextStep(ContactState.FAILED, reason=error.message)
        case CircuitOpen() | ThrottledError():
            return NextStep(ContactState.DEFERRED, reason=error.message)
        case ServiceError() if error.tries >= min(own_tries, threshold):
            return NextStep(ContactState.FAILED, reason=error.message, is_transient=True)
        case ServiceError():
            return NextStep(ContactState.DEFERRED, reason=error.message)
        case _:
            return NextStep(ContactState.PENDING, reason=error.message)
