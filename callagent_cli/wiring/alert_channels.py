"""The alert channels that are enabled."""

import socket

from pydantic import SecretStr

from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Clock
from callagent_cli.services.email import EmailChannel, MailServer
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.services.telegram import TelegramChannel
from callagent_cli.services.webhook import WebhookChannel

_ALERT_TIMEOUTS = Timeouts(connect_s=5.0, read_s=10.0, total_s=20.0)


def plain_channels(settings: Settings, clock: Clock) -> list[AlertChannel]:
    """The alert channels that are enabled and have what they need; what they lack is a warning."""
    alerts, secrets = settings.alerts, settings.secrets
    channels: list[AlertChannel] = []
    if alerts.email.enabled and secrets.smtp_host and alerts.email.to:
        channels.append(_email(settings))
    if alerts.telegram.enabled and secrets.telegram_bot_token:
        token = secrets.telegram_bot_token.get_secret_value()
        base_url = f"{alerts.telegram.base_url}/bot{token}"
        chat_id = str(alerts.telegram.chat_id or secrets.telegram_chat_id or "")
        session = _alert_session("telegram", base_url, clock)
        channels.append(TelegramChannel(session, chat_id=chat_id))
    url = alerts.webhook.url or _revealed(secrets.webhook_url)
    if alerts.webhook.enabled and url:
        session = _alert_session("webhook", url, clock)
        secret = _revealed(secrets.webhook_secret)
        channels.append(WebhookChannel(session, secret=secret, clock=clock))
    return channels


def _email(settings: Settings) -> EmailChannel:
    email, secrets = settings.alerts.email, settings.secrets
    server = MailServer(
        host=secrets.smtp_host or "",
        security=email.security,
        port=secrets.smtp_port,
        user=secrets.smtp_user or "",
        password=_revealed(secrets.smtp_pass),
    )
    sender = email.from_ or f"callagent@{socket.getfqdn()}"
    return EmailChannel(server, sender=sender, receivers=email.to)


def _alert_session(service: str, url: str, clock: Clock) -> HttpSession:
    return HttpSession(service, url, headers={}, timeouts=_ALERT_TIMEOUTS, clock=clock)


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
