"""The alert channels: which are enabled, what they lack, how each is made."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from callagent_cli.config.services import Timeout
from callagent_cli.config.settings import Settings
from callagent_cli.domain.alert import AlertChannel
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.ports import Prober
from callagent_cli.services.channel_probes import EmailProber, TelegramProber, WebhookProber
from callagent_cli.services.email import EmailChannel, MailServer
from callagent_cli.services.http_session import HttpSession
from callagent_cli.services.telegram import TelegramChannel
from callagent_cli.services.webhook import WebhookChannel
from callagent_cli.wiring.sessions import http_session, revealed

CHANNEL_TIMEOUT = Timeout(connect=5.0, read=10.0, total=20.0)


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """One channel as the settings have it. lacks: what it needs and has not; empty: nothing."""

    name: str
    is_enabled: bool
    lacks: str
    make: Callable[[], AlertChannel]
    prober: Callable[[], Prober] | None = None

    @property
    def is_ready(self) -> bool:
        return self.is_enabled and not self.lacks


def channel_setups(settings: Settings, clock: Clock) -> Iterator[ChannelSetup]:
    """All there are, enabled or not; nothing is opened."""
    yield _email(settings, clock)
    yield _telegram(settings, clock)
    yield _webhook(settings, clock)
    yield _apprise(settings)


def plain_channels(settings: Settings, clock: Clock) -> list[AlertChannel]:
    """Those that are enabled and have what they need; what they lack is a warning."""
    return [setup.make() for setup in channel_setups(settings, clock) if setup.is_ready]


def _email(settings: Settings, clock: Clock) -> ChannelSetup:
    email, secrets = settings.alerts.email, settings.secrets
    server = MailServer(
        host=secrets.smtp_host or "",
        security=email.security,
        port=secrets.smtp_port,
        user=secrets.smtp_user or "",
        password=revealed(secrets.smtp_pass),
    )
    return ChannelSetup(
        "email",
        email.enabled,
        "" if server.host and email.to else "SMTP_HOST or alerts.email.to",
        lambda: EmailChannel(
            server,
            sender=email.from_ or f"callagent@{socket.getfqdn()}",
            receivers=email.to,
        ),
        lambda: EmailProber(server, clock=clock),
    )


def _telegram(settings: Settings, clock: Clock) -> ChannelSetup:
    telegram, secrets = settings.alerts.telegram, settings.secrets
    base_url = f"{telegram.base_url}/bot{revealed(secrets.telegram_bot_token)}"
    session = _session("telegram", base_url, clock)
    chat_id = str(telegram.chat_id or secrets.telegram_chat_id or "")
    return ChannelSetup(
        "telegram",
        telegram.enabled,
        "" if secrets.telegram_bot_token and chat_id else "TELEGRAM_BOT_TOKEN or chat_id",
        lambda: TelegramChannel(session, chat_id=chat_id),
        lambda: TelegramProber(session, chat_id=chat_id, clock=clock),
    )


def _webhook(settings: Settings, clock: Clock) -> ChannelSetup:
    webhook, secrets = settings.alerts.webhook, settings.secrets
    url = webhook.url or revealed(secrets.webhook_url)
    secret = revealed(secrets.webhook_secret)
    return ChannelSetup(
        "webhook",
        webhook.enabled,
        "" if url else "alerts.webhook.url or WEBHOOK_URL",
        lambda: WebhookChannel(_session("webhook", url, clock), secret=secret, clock=clock),
        lambda: WebhookProber(url, clock=clock),
    )


def _apprise(settings: Settings) -> ChannelSetup:
    apprise = settings.alerts.apprise
    urls = [url for url in re.split(r"[\s,]+", os.environ.get(apprise.urls_env, "")) if url]

    def make() -> AlertChannel:
        from callagent_cli.services.apprise_channel import AppriseChannel

        return AppriseChannel(urls)

    return ChannelSetup("apprise", apprise.enabled, "" if urls else apprise.urls_env, make)


def _session(service: str, url: str, clock: Clock) -> HttpSession:
    return http_session(service, url, {}, CHANNEL_TIMEOUT, clock)
