"""Settings of the hours at which people are called."""

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator as After
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from callagent_cli.config.fields import Duration, Section

BY_COUNTRY = "by_country"  # of the number called
_LONGEST_MARGIN_S = 4 * 3600.0
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


def _known_presets(names: tuple[str, ...]) -> tuple[str, ...]:
    from callagent_cli.eligibility.presets import preset_named

    for name in names:
        if name != BY_COUNTRY:
            preset_named(name)
    return names


def _known_calendars(codes: tuple[str, ...]) -> tuple[str, ...]:
    from callagent_cli.eligibility.holiday_calendar import check_calendar

    for code in codes:
        if code != BY_COUNTRY:
            check_calendar(code)
    return codes


def _names(value: object) -> object:
    """One name stands for a list of it; `none` and null for an empty one."""
    if value in (None, "none"):
        return ()
    return (value,) if isinstance(value, str) else value


def _short(margin_s: float) -> float:
    if margin_s > _LONGEST_MARGIN_S:
        raise ValueError("must be at most 4h")
    return margin_s


_FORMS = WithJsonSchema(
    {"anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]}
)
Presets = Annotated[tuple[str, ...], BeforeValidator(_names), After(_known_presets), _FORMS]
Calendars = Annotated[tuple[str, ...], BeforeValidator(_names), After(_known_calendars), _FORMS]


class Window(Section):
    start: ClockTime = Field(time(8), description="in the contact's own time")
    end: ClockTime = Field(time(21), description="in the contact's own time")
    days: tuple[Day, ...] = Field(
        ("mon", "tue", "wed", "thu", "fri", "sat"), min_length=1, description="of the week"
    )
    holidays: tuple[date, ...] = Field((), description="dates on which nobody is called")
    public_holidays: Calendars = Field(
        (), description="nobody is called on these: by_country, or a list like [US-CA, FR]"
    )
    margin: Annotated[Duration, After(_short)] = Field(
        300.0, description="before an end, in which no call begins"
    )
    preset: Presets = Field(
        (BY_COUNTRY,), description="hours that the law allows: by_country, none, or names"
    )
    max_zones: int = Field(8, ge=1, description="more: the contact is held")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self
