"""A Google Sheet that anybody may read, fetched as CSV.

Invariant: only Google's own hosts are asked, over https, and only so many bytes are taken.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from callagent_cli.domain.errors import InputError, ThrottledError, TransientError
from callagent_cli.services.http_session import TOO_LARGE, Answer, HttpSession

SERVICE = "sheets"
MOST_BYTES = 50_000_000
_HOST = "https://docs.google.com"
_CONTENT_HOST = ".googleusercontent.com"  # where Google keeps what it hands out
_MOST_REDIRECTS = 4
_PUBLISH = (
    "publish it (File, Share, Publish to web, CSV), or share it with the service account and use"
    " the address from the browser's bar"
)


def fetch(path: str, session_of: Callable[[str], HttpSession]) -> bytes:
    """path: at docs.google.com, with its query. session_of: a session for a base URL.

    Raises InputError for a sheet that is not there or not published, TransientError and
    ThrottledError where asking later may help.
    """
    base_url = _HOST
    for _ in range(_MOST_REDIRECTS + 1):
        answer = _asked(session_of(base_url), path)
        if answer.status not in (301, 302, 303, 307, 308):
            return _body(answer)
        base_url, path = _next(answer.headers.get("Location", ""), base_url)
    raise TransientError(SERVICE, "Google sends the request round in circles")


def _asked(session: HttpSession, path: str) -> Answer:
    try:
        return session.send("GET", path, is_repeatable=True)
    except TransientError as error:
        if error.code != TOO_LARGE:
            raise
        raise InputError(
            f"the published sheet is larger than {MOST_BYTES // 1_000_000} MB",
            hint="download it as CSV and name the file",
        ) from None


def _next(location: str, base_url: str) -> tuple[str, str]:
    """(base URL, path) of where the answer is said to be."""
    if location.startswith("/") and not location.startswith("//"):
        return base_url, location
    address = urlsplit(location)
    host = address.netloc.lower()
    if host == "accounts.google.com":
        raise InputError("the sheet is not published: Google asks who reads it", hint=_PUBLISH)
    if address.scheme != "https" or not (host == _HOST[8:] or host.endswith(_CONTENT_HOST)):
        raise InputError("Google's answer leads away from Google", hint=_PUBLISH)
    return f"https://{host}", address.path + (f"?{address.query}" if address.query else "")


def _body(answer: Answer) -> bytes:
    match answer.status:
        case 200 if "html" not in answer.headers.get("Content-Type", ""):
            return answer.body
        case 429:
            raise ThrottledError(SERVICE, "Google answered 429", http_status=429)
        case status if status == 408 or status >= 500:
            raise TransientError(SERVICE, f"Google answered {status}", http_status=status)
        case 404 | 410 | 400:
            raise InputError(
                f"Google has no such published sheet (it answered {answer.status})",
                hint="copy the address again; somebody may have ended the publication",
            )
        case _:
            raise InputError("the sheet is not published", hint=_PUBLISH)
