"""What Google's answers mean, and the exceptions of gspread, google-auth and requests, sorted
once. Nothing of a body is shown but Google's own word for the status."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from gspread.exceptions import (
    APIError,
    GSpreadException,
    SpreadsheetNotFound,
    WorksheetNotFound,
)

from callagent_cli.domain.errors import (
    AmbiguousError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.services.http_session import is_unsent

SERVICE = "sheets"

# requests' exceptions are OSErrors; a body in no known shape trips gspread up in these ways
_ODD = (ValueError, TypeError, LookupError, AttributeError)
_THROWN = (GSpreadException, GoogleAuthError, OSError, *_ODD)
_WORD = re.compile(r"[A-Z_]{3,40}")
_WRONG_TIME = "short-lived token"  # in invalid_grant, when the clock is off


@contextmanager
def sorting(*, is_append: bool = False, client_email: str = "") -> Iterator[None]:
    """Around one request. is_append: made twice, it would leave rows twice."""
    try:
        yield
    except _THROWN as error:
        raise _sorted(error, is_append=is_append, client_email=client_email) from None


def _sorted(error: Exception, *, is_append: bool, client_email: str) -> ServiceError:
    match error:
        case WorksheetNotFound():
            return _refused(
                "the spreadsheet has no tab of the configured name",
                "add the tab, or correct sheets.worksheet",
            )
        case SpreadsheetNotFound():
            return _no_spreadsheet()
        case PermissionError():  # how open_by_key tells a 403
            return _forbidden(_said(error.__cause__), client_email)
        case APIError():
            return _of_answer(error, is_append=is_append, client_email=client_email)
        case GoogleAuthError():
            return _of_key(error)
        case _:
            return _of_line(error, is_append=is_append)


def _of_answer(error: APIError, *, is_append: bool, client_email: str) -> ServiceError:
    status, (word, message) = error.response.status_code, _said(error)
    said = f"Google answered {status} {word}".strip()
    if status == 401:
        return _key_refused(said)
    if status == 403:
        return _forbidden((word, message), client_email)
    if status == 404:
        return _no_spreadsheet()
    if status == 429:
        wait_s = _seconds(error.response.headers)
        return ThrottledError(SERVICE, said, http_status=429, retry_after_s=wait_s)
    if status == 408 or status >= 500:
        kind = AmbiguousError if is_append else TransientError
        return kind(SERVICE, said, http_status=status)
    return _refused(f"{_of_request(message)} ({said})", _REMEDY, status)


_REMEDY = "check the tab for protected ranges, its header and its size"


def _of_request(message: str) -> str:
    """What a 400 is about."""
    if "protected" in message:
        return "a protected range keeps rows from being added"
    if "above the limit" in message:
        return "the spreadsheet is full"
    if "parse range" in message:
        return "the tab was renamed or deleted"
    return "the rows are not taken"


def _forbidden(said: tuple[str, str], client_email: str) -> ServiceRefused:
    _, message = said
    if "has not been used" in message or "disabled" in message:
        hint = "enable the Google Sheets API in the Cloud project of the service account"
        return _refused("the Google Sheets API is not enabled", hint, 403)
    account = client_email or "the client_email of the key file"
    return ServiceRefused(
        SERVICE,
        "the spreadsheet is not shared with the service account",
        kind=RefusalKind.CREDENTIALS,
        http_status=403,
        hint=f"share the sheet with {account} as editor",
    )


def _no_spreadsheet() -> ServiceRefused:
    return _refused("there is no spreadsheet of this id", "correct sheets.sheet_id", 404)


def _key_refused(said: str) -> ServiceRefused:
    return ServiceRefused(
        SERVICE,
        f"the service account's key is refused ({said})",
        kind=RefusalKind.CREDENTIALS,
        hint="make a new key of the service account and save it at sheets.credentials_path",
    )


def _of_key(error: GoogleAuthError) -> ServiceError:
    """No token, so nothing was sent to the sheet."""
    if isinstance(error, TransportError):
        cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
        return _of_line(cause, is_append=False)
    if not isinstance(error, RefreshError):
        return _key_refused("it cannot be used")
    if error.retryable:
        return TransientError(SERVICE, "Google gives no access token now")
    told = str(error.args[0]) if error.args else ""
    if _WRONG_TIME in told:
        hint = "set this machine's clock (NTP); more than five minutes off is too much"
        return _refused("Google refuses the time that this machine's clock shows", hint)
    return _key_refused("deleted or disabled")


def _of_line(error: Exception, *, is_append: bool) -> ServiceError:
    """No answer, or one that makes no sense."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "check the clock, and who answers on this network"
        return _refused("the certificate of Google is not valid", hint)
    if is_unsent(error):
        return TransientError(SERVICE, "Google Sheets cannot be reached")
    is_odd = isinstance(error, _ODD)
    what = "an answer that makes no sense" if is_odd else "no answer"
    if is_append:
        return AmbiguousError(SERVICE, f"{what} of Google Sheets: the rows may have been added")
    return TransientError(SERVICE, f"{what} of Google Sheets")


def _refused(what: str, hint: str, status: int | None = None) -> ServiceRefused:
    return ServiceRefused(SERVICE, what, kind=RefusalKind.CONFIG, http_status=status, hint=hint)


def _said(error: object) -> tuple[str, str]:
    """(status word, message) of an error body; the message is for looking into, never shown."""
    body = getattr(error, "error", None)
    if not isinstance(body, Mapping):
        return "", ""
    word = str(body.get("status", ""))
    return word if _WORD.fullmatch(word) else "", str(body.get("message", ""))


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
