"""What ElevenLabs' answers mean, sorted once: quota first, then credentials, then the status.

Two error formats are live at once, and a proxy's error is HTML: every shape is accepted.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from callagent_cli.domain.call import Placed
from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.text import one_line
from callagent_cli.services.http_session import Answer

SERVICE = "elevenlabs"

_QUOTA = {"quota_exceeded", "payment_required", "insufficient_credits"}
_PLAN = {"too_many_concurrent_requests", "concurrent_limit_exceeded"}
_NUMBERS = re.compile(r"\+?\d[\d\s().-]{6,}\d")
# Twilio codes that say the account, not the contact, is at fault (Twilio's error dictionary)
_ACCOUNT_CODES = {"20003", "20005", "21215", "21216", "21219", "13227"}
_CODE = re.compile(r"\b(1[0-9]{4}|2[01][0-9]{3}|3[0-9]{4})\b")


def read_detail(answer: Answer) -> tuple[str, str]:
    """(code, message) of an error body; both may be empty. Numbers are taken out: a 422
    echoes what was sent."""
    try:
        body = answer.json()
    except ValueError:
        return "", ""
    detail = body.get("detail", body) if isinstance(body, dict) else body
    match detail:
        case {"status": str(status), **rest}:
            return status, _safe(rest.get("message"))
        case {"code": str(code), **rest}:
            return code, _safe(rest.get("message"))
        case [{"msg": str(message), **rest}, *_]:
            where = rest.get("loc")
            place = ".".join(str(part) for part in where) if isinstance(where, list) else ""
            return "validation", _safe(f"{place}: {message}")
        case {"message": str(message)} | str(message):
            return "", _safe(message)
        case _:
            return "", ""


def _safe(text: object) -> str:
    return one_line(_NUMBERS.sub("<number>", text)) if isinstance(text, str) else ""


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """When the answer was made, by the other side's clock; None when it does not say."""
    try:
        at = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def error_of(answer: Answer, *, is_dial: bool, now: datetime) -> ServiceError:
    """The error that an answer other than 2xx means."""
    code, message = read_detail(answer)
    status = answer.status
    said = f"{status} {message or code}".strip()
    if code in _QUOTA or status == 402:
        return _refused(status, code, f"no credits left ({said})", RefusalKind.QUOTA, _TOP_UP)
    if status in (401, 403):
        text = f"the key is refused ({said})"
        return _refused(status, code, text, RefusalKind.CREDENTIALS, _KEY)
    if status == 404 and is_dial:
        text = f"the agent or its phone number is not known ({said})"
        return _refused(status, code, text, RefusalKind.CONFIG, _IDS)
    if status == 429:
        kind = ThrottledError if code in _PLAN else TransientError
        return kind(
            SERVICE, said, http_status=429, code=code, retry_after_s=retry_after(answer, now)
        )
    if status == 503 or (not is_dial and (status in (408, 409) or status >= 500)):
        wait_s = retry_after(answer, now)
        return TransientError(SERVICE, said, http_status=status, code=code, retry_after_s=wait_s)
    if status in (408, 409) or status >= 500 or status < 400:
        return _unclear(is_dial, said, status, code)
    return ContactError(SERVICE, said, http_status=status, code=code)


def _unclear(is_dial: bool, said: str, status: int, code: str) -> ServiceError:  # noqa: FBT001
    if is_dial:
        return AmbiguousError(SERVICE, f"unclear answer {said}", http_status=status, code=code)
    text = f"an answer that makes no sense ({said})"
    return _refused(status, code, text, RefusalKind.CONFIG, "check services.elevenlabs.base_url")


_TOP_UP = "top up the account, then start the same command again"
_KEY = "check ELEVEN_API_KEY, its scopes (convai_read, convai_write) and its region"
_IDS = "check services.elevenlabs.agent_id, agent_phone_number_id and the workspace of the key"


def _refused(status: int, code: str, message: str, kind: RefusalKind, hint: str) -> ServiceRefused:
    return ServiceRefused(SERVICE, message, kind=kind, http_status=status, code=code, hint=hint)


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that the service asks us to wait; None when it does not say so sensibly."""
    headers = answer.headers
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    text = headers.get("Retry-After")
    if text is None or (seconds := _number(text)) is not None:
        return None if text is None else seconds
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def read_dial(answer: Answer, now: datetime) -> Placed:
    """What the answer to a dial means; everything that is not clear is ambiguous."""
    if not 200 <= answer.status < 300:
        raise error_of(answer, is_dial=True, now=now)
    try:
        body = answer.json()
    except ValueError:
        body = None
    match body:
        case {"success": True, "conversation_id": str(conversation_id), **rest} if conversation_id:
            carrier = rest.get("callSid") or rest.get("sip_call_id")
            return Placed(one_line(conversation_id, 200), one_line(str(carrier or ""), 200))
        case {"success": False, **rest}:
            raise _not_placed(_safe(rest.get("message")), answer.status)
        case _:
            raise AmbiguousError(
                SERVICE, "an answer without a conversation id", http_status=answer.status
            )


def _not_placed(message: str, status: int) -> ServiceError:
    """200 with `success: false`: carrier or validation said no; no phone rang."""
    said = f"not placed: {message or 'no reason given'}"
    code = _CODE.search(message)
    if code and code[1] in _ACCOUNT_CODES:
        hint = "correct the telephony account (permissions, verified numbers)"
        return _refused(status, code[1], said, RefusalKind.CONFIG, hint)
    return ContactError(SERVICE, said, http_status=status, code=code[1] if code else "")


def as_mapping(value: object) -> Mapping[str, object]:
    """A JSON object, or an empty one for whatever stands in its place."""
    return value if isinstance(value, dict) else {}
