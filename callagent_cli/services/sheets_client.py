"""A gspread client for a service account."""

from pathlib import Path
from typing import cast

import gspread
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials

from callagent_cli.domain.errors import RefusalKind, ServiceRefused
from callagent_cli.domain.text import one_line
from callagent_cli.services.sheets_errors import SERVICE

_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
_MAKE_ONE = (
    "create a key (JSON) of a service account in Google Cloud, and save it at "
    "sheets.credentials_path"
)


def google_client(credentials_path: Path, session: object | None = None) -> gspread.Client:
    """Makes no request yet. `session`: a requests.Session that stands in for the network, asked
    without a key. Raises ServiceRefused for a key file that is missing or is none."""
    if session is not None:
        return gspread.Client(auth=None, session=session)
    tokens = Request()  # of its own, without google-auth's retries
    tokens.session.trust_env = False
    keyed = AuthorizedSession(_credentials(credentials_path), auth_request=tokens)
    keyed.trust_env = False  # as services.http_session: no proxies, no .netrc
    keyed.max_redirects = 0
    # a line that was kept open and went stale would make a lost append of a harmless disconnect
    keyed.headers["Connection"] = "close"
    return gspread.Client(auth=keyed.credentials, session=keyed)


def client_email(client: gspread.Client) -> str:
    """Whom the sheet is to be shared with; empty for a stand-in."""
    credentials = getattr(client.http_client.session, "credentials", None)
    return one_line(str(getattr(credentials, "service_account_email", "")), 200)


def _credentials(path: Path) -> Credentials:
    try:
        return cast(
            "Credentials", Credentials.from_service_account_file(str(path), scopes=list(_SCOPES))
        )
    except FileNotFoundError:
        raise _unusable(path, "there is no key file", _MAKE_ONE) from None
    except OSError as error:
        fault = f"the key file cannot be read ({error.strerror})"
        raise _unusable(path, fault, "let callagent's user read it") from None
    except (ValueError, TypeError, LookupError, AttributeError):
        fault = "the key file is not of a service account"
        raise _unusable(path, fault, _MAKE_ONE) from None


def _unusable(path: Path, fault: str, hint: str) -> ServiceRefused:
    text = f"{fault}: {one_line(str(path))}"
    return ServiceRefused(SERVICE, text, kind=RefusalKind.CREDENTIALS, hint=hint)
