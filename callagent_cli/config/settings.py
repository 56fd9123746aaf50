"""Every setting: its name, its default, what is allowed, what it means. Frozen."""

import ipaddress
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator as After
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
    model_validator,
)

from callagent_cli.config.durations import read_duration

_DURATION_FORMS: list[dict[str, object]] = [
    {"type": "number", "minimum": 0},
    {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|min|m|h|d)?$"},
]
Duration = Annotated[
    float, BeforeValidator(read_duration), WithJsonSchema({"anyOf": _DURATION_FORMS})
]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be more than 0")
    return seconds


Span = Annotated[Duration, After(_positive)]


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL that begins with https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold neither a login nor a query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("http:// is allowed for this machine only (127.0.0.1); use https://")
    return url.rstrip("/")


def _web_url(url: str) -> str:
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and _is_loopback(parts.hostname or "")
    )
    if not parts.hostname or not is_safe:
        raise ValueError("must be a URL that begins with https:// (http:// for this machine only)")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


WebUrl = Annotated[str, After(_web_url)]
BaseUrl = Annotated[str, After(_base_url)]


class Timeout(Section):
    connect: Span = Field(5.0, description="seconds to connect")
    read: Span = Field(90.0, description="seconds between two bytes")
    total: Span = Field(120.0, description="seconds for the whole exchange")


class Retry(Section):
    initial_delay: Duration = Field(5.0, description="seconds before the first retry")
    backoff_factor: float = Field(2.0, ge=1, description="each wait is this much longer")
    max_attempts: int = Field(3, ge=0, le=20, description="retries after the first try")
    max_total_attempts: int | None = Field(
        None, ge=1, le=21, description="the same counted with the first try: max_attempts + 1"
    )
    max_delay: Duration = Field(60.0, description="longest wait, seconds")
    jitter: Duration = Field(0.0, description="up to so many seconds more, at random")

    @model_validator(mode="before")
    @classmethod
    def _one_count(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(total := data.get("max_total_attempts"), int):
            given = data.get("max_attempts", total - 1)
            if given != total - 1:
                raise ValueError(
                    f"max_total_attempts {total} and max_attempts {given} contradict each other: "
                    f"{total} tries in all are {total - 1} retries"
                )
            return {**data, "max_attempts": total - 1}
        return data


class CircuitBreaker(Section):
    failure_threshold: int = Field(5, ge=1, description="failed requests in a row that open it")
    recovery_timeout: Span = Field(60.0, description="seconds before a trial may be made")


class HealthCheck(Section):
    interval: Span = Field(30.0, description="seconds between two probes during an outage")
    healthy_threshold: int = Field(2, ge=1, description="good probes in a row that reset it")


class ElevenLabsSettings(Section):
    base_url: BaseUrl = Field("https://api.elevenlabs.io", description="or your region's")
    agent_id: str | None = Field(None, description="agent_…")
    agent_phone_number_id: str | None = Field(None, description="phnum_…")
    telephony: Literal["twilio", "sip_trunk"] = Field("twilio", description="of that number")
    timeout: Timeout = Timeout()
    poll_interval: Span = Field(5.0, description="seconds between two looks at a running call")
    ringing_timeout: Span = Field(60.0, description="seconds a phone rings")
    look_up_after: tuple[Duration, ...] = Field(
        (0.0, 30.0, 120.0, 600.0), description="when a call in doubt is looked up, seconds"
    )
    retry: Retry = Retry()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    health_check: HealthCheck = HealthCheck()


def _not_yet(enabled: bool) -> bool:  # noqa: FBT001 - a validator
    if enabled:
        raise ValueError("this version does not have it yet; must be false")
    return enabled


Later = Annotated[bool, After(_not_yet)]


class Llm(Section):
    enabled: Later = Field(False, description="not in this version")
    base_url: BaseUrl = Field("https://api.openai.com/v1", description="OpenAI-compatible")
    model: str | None = None
    prompt: str | None = None
    fallback: str | None = None
    timeout: Timeout = Timeout()
    retry: Retry = Retry()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    health_check: HealthCheck = HealthCheck()


class Crm(Section):
    enabled: Later = Field(False, description="not in this version")
    kind: Literal["hubspot", "http"] = "hubspot"
    base_url: BaseUrl = "https://api.hubapi.com"
    timeout: Timeout = Timeout()
    retry: Retry = Retry()
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    health_check: HealthCheck = HealthCheck()


class Services(Section):
    elevenlabs: ElevenLabsSettings = ElevenLabsSettings()
    llm: Llm = Llm()
    crm: Crm = Crm()


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock_time(value: object) -> object:
    if isinstance(value, str):
        hour, colon, minute = value.partition(":")
        if colon and hour.isdigit() and minute.isdigit() and len(minute) == 2:
            if int(hour) < 24 and int(minute) < 60:
                return time(int(hour), int(minute))
            if value == "24:00":
                return time.max
    raise ValueError('must be a time in quotes, like "08:00"')


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class Window(Section):
    start: ClockTime = Field(time(8), description="in the contact's own time")
    end: ClockTime = Field(time(21), description="in the contact's own time")
    days: tuple[Day, ...] = Field(
        ("mon", "tue", "wed", "thu", "fri", "sat"), min_length=1, description="of the week"
    )
    holidays: tuple[date, ...] = Field((), description="dates on which nobody is called")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


def _redial(value: object) -> object:
    return None if value == "never" else read_duration(value)


RedialDelay = Annotated[
    float | None,
    BeforeValidator(_redial),
    WithJsonSchema({"anyOf": [*_DURATION_FORMS, {"const": "never"}]}),
]


class Redial(Section):
    no_answer: RedialDelay = Field(4 * 3600.0, description="a time, or never")
    busy: RedialDelay = Field(30 * 60.0, description="a time, or never")
    voicemail: RedialDelay = Field(24 * 3600.0, description="a time, or never")
    failed: RedialDelay = Field(None, description="a time, or never")


class Csv(Section):
    encoding: str | None = Field(None, description="null: found by looking")
    delimiter: str | None = Field(None, description="null: found by looking")


def _region(region: str) -> str:
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("must be a country's two letters in capitals, like US or GB")
    return region


class Campaign(Section):
    concurrency: int = Field(1, ge=1, le=64, description="calls at the same time")
    default_region: Annotated[str, After(_region)] = Field(
        "US", description="country of numbers without a country code"
    )
    columns: dict[str, str] = Field({}, description="our name: the file's name")
    csv: Csv = Csv()
    calling_window: Window | None = Field(Window(), description="null: no window, said aloud")
    require_consent: bool = Field(False, description="call only contacts whose consent is yes")
    max_attempts_per_contact: int = Field(3, ge=1, description="calls to one contact")
    min_gap_between_attempts: Duration = Field(4 * 3600.0, description="between two such calls")
    redial: Redial = Redial()
    max_outage_wait: Duration = Field(900.0, description="how long a run waits for a service")
    max_calls: int | None = Field(None, ge=0, description="calls of one run; null: no limit")
    max_cost: float | None = Field(None, ge=0, description="USD of one run; null: no limit")


class Throttling(Section):
    repeat_interval: Span = Field(1800.0, description="between two reminders of an outage")
    digest_interval: Span = Field(300.0, description="over which failed calls are summed up")


class Email(Section):
    enabled: bool = Field(False, description="needs SMTP_HOST")
    from_: str | None = Field(None, alias="from", description="sender")
    to: tuple[str, ...] = Field((), description="receivers")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none: loopback")


class Telegram(Section):
    enabled: bool = Field(False, description="needs TELEGRAM_BOT_TOKEN")
    chat_id: str | int | None = Field(None, description="or TELEGRAM_CHAT_ID")
    base_url: BaseUrl = Field("https://api.telegram.org", description="of the bot API")


class Webhook(Section):
    enabled: bool = Field(False, description="needs a url")
    url: WebUrl | None = Field(None, description="or WEBHOOK_URL")


class AppriseSettings(Section):
    enabled: Later = Field(False, description="not in this version")
    urls_env: str = Field("APPRISE_URLS", description="the variable that holds the URLs")


class Alerts(Section):
    throttle: Throttling = Throttling()
    email: Email = Email()
    telegram: Telegram = Telegram()
    webhook: Webhook = Webhook()
    apprise: AppriseSettings = AppriseSettings()


class Sheets(Section):
    enabled: bool = Field(False, description="mirror events to a sheet")
    backend: Literal["google", "csv"] = Field("google", description="csv: a local stand-in")
    sheet_id: str | None = Field(None, description="from the sheet's address")
    worksheet: str = Field("callagent", description="its tab")
    credentials_path: Path = Field(Path("google_credentials.json"), description="service account")


class Logging(Section):
    path: Path = Field(Path("logs/app.log"), description="JSON Lines")
    max_bytes: int = Field(5_000_000, ge=10_000, description="then it is rotated")
    backups: int = Field(3, ge=0, le=100, description="rotated files that are kept")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least")


class Sandbox(Section):
    seed: int = Field(1746, description="decides how the simulated calls go")
    speed: Annotated[float, After(_positive)] = Field(
        60.0, description="simulated seconds a second"
    )


def _secret_url(url: SecretStr) -> SecretStr:
    _web_url(url.get_secret_value())
    return url


class Secrets(Section):
    """From the environment only."""

    eleven_api_key: SecretStr | None = None
    smtp_host: str | None = None
    smtp_port: int | None = None
    smtp_user: str | None = None
    smtp_pass: SecretStr | None = None
    telegram_bot_token: SecretStr | None = None
    telegram_chat_id: str | None = None
    webhook_url: Annotated[SecretStr, After(_secret_url)] | None = None
    webhook_secret: SecretStr | None = None
    google_service_account_json_path: Path | None = None
    llm_api_key: SecretStr | None = None
    crm_api_key: SecretStr | None = None

    def values(self) -> tuple[str, ...]:
        """Every secret, to be taken out of whatever is written."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return tuple(f.get_secret_value() for f in fields if isinstance(f, SecretStr))


class Settings(Section):
    provider: Literal["sandbox", "elevenlabs"] = Field(
        "sandbox", description="sandbox places no real call"
    )
    state_dir: Path = Field(Path(".callagent"), description="ledger, dial journal, lock")
    database_url: None = Field(None, description="null: SQLite in state_dir")
    services: Services = Services()
    campaign: Campaign = Campaign()
    alerts: Alerts = Alerts()
    google_sheets: Sheets = Sheets()
    logging: Logging = Logging()
    sandbox: Sandbox = Sandbox()
    secrets: Secrets = Field(Secrets(), exclude=True)
    source: Path | None = Field(None, exclude=True)
