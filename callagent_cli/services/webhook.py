"""Alerts as JSON to any URL, signed so that the receiver can tell them from anybody else's."""

import json

from callagent_cli.domain.alert import Alert
from callagent_cli.domain.clock import Clock
from callagent_cli.services.alert_text import as_data, subject
from callagent_cli.services.channel_answers import require_delivered
from callagent_cli.services.http_session import HttpSession
from callagent_cli.services.signature import signature_of


class WebhookChannel:
    """An AlertChannel.

    secret: signs each body, see signature_of; empty: unsigned.
    """

    name = "webhook"

    def __init__(self, session: HttpSession, *, secret: str, clock: Clock) -> None:
        self._session, self._secret, self._clock = session, secret, clock

    def send(self, alert: Alert) -> None:
        body = json.dumps({**as_data(alert), "text": subject(alert)}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": alert.key,
            **signature_of(body, self._secret, self._clock),
        }
        answer = self._session.send("POST", "", body=body, headers=headers, is_repeatable=True)
        require_delivered(self.name, answer)
