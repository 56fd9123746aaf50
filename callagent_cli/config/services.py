"""Settings of the services that a call needs or is helped by."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from callagent_cli.config.fields import BaseUrl, Duration, Section, Span


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


class Watched(Section):
    """How a service beside the call is asked: it never holds a call up."""

    timeout: Timeout = Timeout(connect=5.0, read=10.0, total=15.0)
    retry: Retry = Retry(initial_delay=1.0, max_attempts=1)
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    health_check: HealthCheck = HealthCheck()


class Price(Section):
    input: float | None = Field(None, ge=0, description="USD a million tokens; null: not counted")
    output: float | None = Field(None, ge=0, description="USD a million tokens; null: not counted")


VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class Llm(Watched):
    enabled: bool = Field(default=False, description="words what the agent says; LLM_API_KEY")
    base_url: BaseUrl = Field("https://api.openai.com/v1", description="OpenAI-compatible")
    model: str | None = Field(None, description="as the service names it")
    prompt: str | None = Field(None, description="what to write; the contact's fields are added")
    variables: tuple[VariableName, ...] = Field(
        ("opening_line",), min_length=1, max_length=10, description="what it writes"
    )
    fallback: str | dict[VariableName, str] | None = Field(
        None, description="said instead when it is down: text with ${column}, or one a variable"
    )
    max_chars: int = Field(300, ge=20, le=2000, description="longest text of one variable")
    max_tokens: int = Field(300, ge=16, le=8000, description="longest answer")
    token_limit: Literal["max_completion_tokens", "max_tokens"] = Field(
        "max_completion_tokens", description="the limit's name; older servers know max_tokens"
    )
    temperature: float | None = Field(None, ge=0, le=2, description="null: the model's own")
    price: Price = Price()
    wait: Span = Field(2.0, description="seconds before a call in which it is asked again")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.enabled:
            return self
        if not self.model or not self.prompt:
            raise ValueError("must have a model and a prompt when it is enabled")
        if missing := [name for name in self.variables if name not in self.fallbacks()]:
            raise ValueError(f"must have a fallback for {', '.join(missing)}: it may be down")
        return self

    def fallbacks(self) -> dict[str, str]:
        """Variable → template."""
        if isinstance(self.fallback, str):
            return {self.variables[0]: self.fallback}
        return dict(self.fallback or {})


class Crm(Watched):
    timeout: Timeout = Timeout(connect=3.0, read=5.0, total=6.0)  # a look-up may be three requests
    enabled: bool = Field(default=False, description="looks contacts up, is told; CRM_API_KEY")
    kind: Literal["hubspot", "http"] = Field("hubspot", description="http: any CRM or webhook")
    base_url: BaseUrl = Field("https://api.hubapi.com", description="of its API")
    api_version: Annotated[str, Field(pattern=r"^(v\d+|\d{4}-\d{2})$")] = Field(
        "2026-09", description="hubspot: the date in its paths, or v3"
    )
    find_by: tuple[Literal["id", "email", "phone"], ...] = Field(
        ("id", "email", "phone"), description="in this order; empty: not asked before the call"
    )
    id_property: str = Field("", description="hubspot: a unique property that holds `id`")
    read: dict[str, VariableName] = Field({}, description="its property or path: our variable")
    write: dict[str, str] = Field({}, description="hubspot: its property: a field of the outcome")
    log_call: bool = Field(default=True, description="hubspot: a call in the contact's history")
    key_header: str | None = Field(None, description="http: null: Authorization: Bearer")
    find_path: str | None = Field(None, description="http: as /people?phone={phone}")
    id_path: str = Field("id", description="http: where the answer holds the person's id")
    report_path: str | None = Field(None, description="http: where outcomes are posted")
    report_body: dict[str, object] | None = Field(None, description="http: null: the whole record")
    health_path: str | None = Field(None, description="http: read to see whether it is up")
    wait: Span = Field(2.0, description="seconds before a call in which it is asked again")

    @property
    def asks(self) -> bool:
        """Whether it is asked before a call."""
        return bool(self.find_path if self.kind == "http" else self.find_by)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.enabled and self.kind == "http" and not (self.find_path or self.report_path):
            raise ValueError("must have a find_path or a report_path when kind is http")
        if self.enabled and self.kind == "http" and "api.hubapi.com" in self.base_url:
            raise ValueError("must have a base_url when kind is http")
        return self


class Services(Section):
    elevenlabs: ElevenLabsSettings = ElevenLabsSettings()
    llm: Llm = Llm()
    crm: Crm = Crm()
