"""A URL that waits to be asked for: a dead-man's switch, as healthchecks.io and others have it."""

from urllib.parse import urlsplit, urlunsplit

from callagent_cli.services.channel_answers import require_delivered
from callagent_cli.services.http_session import HttpSession

SERVICE = "heartbeat"


def origin_of(url: str) -> str:
    """Scheme, host and port, which an HttpSession is for."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


class PingUrl:
    """session: to the URL's origin."""

    def __init__(self, session: HttpSession, url: str) -> None:
        self._session, self._parts = session, urlsplit(url)

    def ping(self, signal: str = "") -> None:
        """GET the URL, with `/signal` at the end of its path. Raises ServiceError, without the
        URL in it."""
        path = self._parts.path.rstrip("/")
        path = f"{path}/{signal}" if signal else self._parts.path
        asked = urlunsplit(("", "", path, self._parts.query, ""))
        require_delivered(SERVICE, self._session.send("GET", asked, is_repeatable=True))
