"""What the answers of a CRM of which we know nothing but HTTP mean. A repeat harms nobody: it has
the same key."""

from datetime import datetime

from callagent_cli.domain.errors import (
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.services.crm_values import SERVICE
from callagent_cli.services.elevenlabs_answers import retry_after
from callagent_cli.services.http_session import Answer

_DAY_S = 86400.0


def error_of(answer: Answer, *, now: datetime, is_about_one: bool) -> ServiceError:
    """The error that an answer other than 2xx means. is_about_one: the path names a contact, so
    that 404 and 410 are this contact's."""
    status, said = answer.status, f"{answer.status} from the CRM"
    asked_s = retry_after(answer, now)
    wait_s = None if asked_s is None else min(asked_s, _DAY_S)
    match status:
        case 429:
            return ThrottledError(SERVICE, said, http_status=429, retry_after_s=wait_s)
        case _ if status in (408, 425) or status >= 500:
            return TransientError(SERVICE, said, http_status=status, retry_after_s=wait_s)
        case 401 | 403 | 407:
            text, hint = f"the CRM refuses the key ({said})", "check CRM_API_KEY and key_header"
            return _refused(text, status, RefusalKind.CREDENTIALS, hint)
        case 402:
            return _refused(said, status, RefusalKind.QUOTA, "look at the plan of the CRM account")
        case _ if status < 400:  # a redirect is not followed: it would take the key elsewhere
            hint = "put the address it points to into services.crm.base_url"
            return _refused(f"the CRM has moved ({said})", status, RefusalKind.CONFIG, hint)
        case 404 | 405 | 410 if not is_about_one or status == 405:
            hint = "check services.crm.base_url, report_path and health_path"
            return _refused(f"the CRM lacks this path ({said})", status, RefusalKind.CONFIG, hint)
        case _:
            text = f"the CRM does not take this ({said})"
            return ContactError(SERVICE, text, http_status=status)


def _refused(text: str, status: int, kind: RefusalKind, hint: str) -> ServiceRefused:
    return ServiceRefused(SERVICE, text, kind=kind, http_status=status, hint=hint)
