"""Alerts as JSON to any URL, signed so that the receiver can tell them from anybody else's."""

import hashlib
import hmac
import json

from callagent_cli.domain.alert import Alert
from callagent_cli.domain.clock import Clock
from callagent_cli.services.alert_text import as_data, subject
from callagent_cli.services.channel_answers import require_delivered
from callagent_cli.services.http_session import HttpSession


class WebhookChannel:
    """An AlertChannel.

    secret: signs `<unix seconds>.<body>` with HMAC-SHA256, in X-Callagent-Signature as
    `t=<unix seconds>,v1=<hex>`; empty: unsigned.
    """

    name = "webhook"

    def __init__(self, session: HttpSession, *, secret: str, clock: Clock) -> None:
        self._session, self._secret, self._clock = session, secret, clock

    def send(self, alert: Alert) -> None:
        body = json.dumps({**as_data(alert), "text": subject(alert)}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": alert.key}
        if self._secret:
            headers["X-Callagent-Signature"] = self._signature(body)
        answer = self._session.send("POST", "", body=body, headers=headers, is_repeatable=True)
        require_delivered(self.name, answer)

    def _signature(self, body: bytes) -> str:
        at = str(int(self._clock.now().timestamp()))
        digest = hmac.new(self._secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
        return f"t={at},v1={digest.hexdigest()}"
