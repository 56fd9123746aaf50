"""Settings of a campaign: who is called, when, how often."""

from typing import Annotated

from pydantic import AfterValidator as After
from pydantic import BeforeValidator, Field, WithJsonSchema

from callagent_cli.config.calling_window import Window
from callagent_cli.config.do_not_call import DoNotCall, NumberKinds
from callagent_cli.config.durations import read_duration
from callagent_cli.config.estimate import Estimate
from callagent_cli.config.fields import DURATION_FORMS, Duration, Section
from callagent_cli.config.shares import Share


def _redial(value: object) -> object:
    return None if value in ("never", None) else read_duration(value)


RedialDelay = Annotated[
    float | None,
    BeforeValidator(_redial),
    WithJsonSchema({"anyOf": [*DURATION_FORMS, {"const": "never"}]}),
]


class RedialRule(Section):
    after: RedialDelay = Field(None, description="a time, or never")
    most: int | None = Field(None, ge=1, description="calls that may end so; null: no own limit")
    spread: bool = Field(default=False, description="the next call in another part of the day")


def _redial_rule(value: object) -> object:
    return value if isinstance(value, dict | RedialRule) else {"after": value}


_RULE_FORMS = [*DURATION_FORMS, {"const": "never"}, RedialRule.model_json_schema()]
OneRedial = Annotated[
    RedialRule, BeforeValidator(_redial_rule), WithJsonSchema({"anyOf": _RULE_FORMS})
]


class Redial(Section):
    """After each way in which a call may end; a time alone is its `after`."""

    no_answer: OneRedial = RedialRule(after=4 * 3600.0)
    busy: OneRedial = RedialRule(after=30 * 60.0)
    voicemail: OneRedial = RedialRule(after=24 * 3600.0)
    failed: OneRedial = RedialRule()
    callback_field: str = Field(
        "callback_at", description="of data collection: when to call again"
    )


class Halt(Section):
    failed: Share = Field(0.5, description="share of calls that fail, as 30%")
    after: int = Field(20, ge=1, description="calls before it is looked at")


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
    worksheet: str | None = Field(None, description="of a workbook or sheet; null: found by phone")
    calling_window: Window | None = Field(Window(), description="null: no window, said aloud")
    require_consent: bool = Field(
        default=False, description="call only contacts whose consent is yes"
    )
    consent_max_age: Duration | None = Field(
        None, description="older or undated consent is none; null: it does not age"
    )
    do_not_call: DoNotCall = DoNotCall()
    number_types: NumberKinds = Field(
        (), description="kinds that may be called all the same, as [toll-free]"
    )
    max_attempts_per_contact: int = Field(3, ge=1, description="calls to one contact")
    min_gap_between_attempts: Duration = Field(4 * 3600.0, description="between two such calls")
    max_calls_per_number_per_day: int | None = Field(
        3, ge=1, description="in all campaigns, within any 24 hours; null: no limit"
    )
    max_calls_per_number_per_week: int | None = Field(
        7, ge=1, description="in all campaigns, within any seven days; null: no limit"
    )
    quiet_after_conversation: Duration | None = Field(
        None, description="before a number that was talked to is called again, as 7d"
    )
    redial: Redial = Redial()
    max_outage_wait: Duration = Field(900.0, description="how long a run waits for a service")
    max_calls: int | None = Field(None, ge=0, description="calls of one run; null: no limit")
    max_cost: float | None = Field(None, ge=0, description="USD of one run; null: no limit")
    max_calls_per_day: int | None = Field(None, ge=0, description="of all campaigns of the ledger")
    max_cost_per_day: float | None = Field(None, ge=0, description="USD of all campaigns")
    calls_per_minute: float | None = Field(None, gt=0, description="null: as fast as lines allow")
    estimate: Estimate = Estimate()
    halt: Halt | None = Field(Halt(), description="stop when too many calls fail; null: never")
