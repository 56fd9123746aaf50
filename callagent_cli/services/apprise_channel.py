"""Alerts to whatever else a person reads, by the apprise library, which is an extra.

Its URLs hold secrets: neither they nor anything that the library says about them is shown.
"""

import importlib
import logging
from collections.abc import Sequence
from typing import Any

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.errors import RefusalKind, ServiceRefused, TransientError
from callagent_cli.services.alert_text import plain, subject

_TYPES = {
    AlertKind.INCIDENT_OPENED: "failure",
    AlertKind.INCIDENT_ONGOING: "failure",
    AlertKind.REFUSED: "failure",
    AlertKind.INCIDENT_RECOVERED: "success",
    AlertKind.CAMPAIGN_FINISHED: "info",
    AlertKind.TEST: "info",
}


class AppriseChannel:
    """An AlertChannel.

    urls: of services, as apprise writes them. Nothing is imported or parsed before the first
    alert: a channel that cannot work says so there.
    """

    name = "apprise"

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls, self._library = tuple(urls), None

    def __repr__(self) -> str:
        return f"AppriseChannel({len(self._urls)} URLs)"

    def send(self, alert: Alert) -> None:
        """To all services. One that fails fails the alert; a repeat goes to all again."""
        library = self._library = self._library or self._load()
        try:
            was_taken = library.notify(
                title=subject(alert),
                body=plain(alert),
                notify_type=_TYPES.get(alert.kind, "warning"),
                body_format="text",
            )
        except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError):
            was_taken = False  # a plugin that stumbles
        if not was_taken:
            text = f"not all of the {len(self._urls)} services took the alert"
            raise TransientError(self.name, text if len(self._urls) > 1 else _NOT_TAKEN)

    def _load(self) -> Any:
        try:
            apprise = importlib.import_module("apprise")
        except ImportError:
            raise _refused("the apprise package is not installed", _INSTALL) from None
        log = logging.getLogger("apprise")  # it would tell parts of URLs
        log.addHandler(logging.NullHandler())
        log.propagate = False
        asset = apprise.AppriseAsset(app_id="callagent", async_mode=False, secure_logging=True)
        library = apprise.Apprise(asset=asset)
        for number, url in enumerate(self._urls, start=1):
            if not library.add(url):
                raise _refused(f"apprise does not understand URL {number}", _CHECK)
        if not len(library):
            raise _refused("there is no URL for apprise", _CHECK)
        return library


_NOT_TAKEN = "the service did not take the alert"
_INSTALL = "pip install 'callagent-cli[apprise]', or switch alerts.apprise off"
_CHECK = "correct the variable that alerts.apprise.urls_env names"


def _refused(fault: str, hint: str) -> ServiceRefused:
    return ServiceRefused("apprise", fault, kind=RefusalKind.CONFIG, hint=hint)
