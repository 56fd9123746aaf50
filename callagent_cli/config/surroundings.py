"""Settings of those who are told: alert channels and the sheet."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from callagent_cli.config.fields import BaseUrl, Duration, Section, Span, WebUrl
from callagent_cli.config.watching import HeartbeatUrl


class Throttling(Section):
    repeat_interval: Span = Field(1800.0, description="between two reminders of an outage")
    digest_interval: Span = Field(300.0, description="over which failed calls are summed up")


class Email(Section):
    enabled: bool = Field(default=False, description="needs SMTP_HOST")
    from_: str | None = Field(None, alias="from", description="sender")
    to: tuple[str, ...] = Field((), description="receivers")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none: loopback")


class Telegram(Section):
    enabled: bool = Field(default=False, description="needs TELEGRAM_BOT_TOKEN")
    chat_id: str | int | None = Field(None, description="or TELEGRAM_CHAT_ID")
    base_url: BaseUrl = Field("https://api.telegram.org", description="of the bot API")


class Webhook(Section):
    enabled: bool = Field(default=False, description="needs a url")
    url: WebUrl | None = Field(None, description="or WEBHOOK_URL")


class AppriseSettings(Section):
    enabled: bool = Field(default=False, description="needs `pip install callagent-cli[apprise]`")
    urls_env: str = Field("APPRISE_URLS", description="the variable that holds the URLs")


class Alerts(Section):
    throttle: Throttling = Throttling()
    email: Email = Email()
    telegram: Telegram = Telegram()
    webhook: Webhook = Webhook()
    apprise: AppriseSettings = AppriseSettings()
    heartbeat_url: HeartbeatUrl = None


class Sheets(Section):
    enabled: bool = Field(default=False, description="mirror events to a sheet")
    backend: Literal["google", "csv"] = Field("google", description="csv: a local stand-in")
    sheet_id: str | None = Field(None, description="from the sheet's address")
    worksheet: str = Field("callagent", description="its tab")
    credentials_path: Path = Field(Path("google_credentials.json"), description="service account")


class Deliveries(Section):
    flush_within: Duration = Field(10.0, description="seconds a run's end may take to deliver")
    most_tries: int = Field(24, ge=1, le=1000, description="then a message is a dead letter")
