"""Alerts to a Telegram chat, as plain text: nothing to escape. The token is part of the URL, which
no error shows."""

from callagent_cli.domain.alert import Alert
from callagent_cli.services.alert_text import plain
from callagent_cli.services.channel_answers import require_delivered
from callagent_cli.services.http_session import Answer, HttpSession

_LONGEST = 4000  # characters; Telegram's limit is 4096 UTF-16 units


class TelegramChannel:
    """An AlertChannel. session: its base URL ends in `/bot<token>`."""

    name = "telegram"

    def __init__(self, session: HttpSession, *, chat_id: str) -> None:
        self._session, self._chat_id = session, chat_id

    def send(self, alert: Alert) -> None:
        message = {"chat_id": self._chat_id, "text": plain(alert)[:_LONGEST]}
        answer = self._session.send("POST", "/sendMessage", json=message, is_repeatable=True)
        require_delivered(self.name, answer, retry_after_s=_retry_after(answer))


def _retry_after(answer: Answer) -> float | None:
    """Telegram says in the body how long to wait."""
    try:
        body = answer.json()
    except ValueError:
        return None
    match body:
        case {"parameters": {"retry_after": int() | float() as seconds}}:
            return float(seconds)
        case _:
            return None
