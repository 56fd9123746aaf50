"""Settings of the do-not-call list."""

from typing import Annotated, Literal

from pydantic import AfterValidator as After
from pydantic import Field

from callagent_cli.config.fields import Duration, Section

Ended = Literal["answered", "no_answer", "busy", "voicemail", "failed", "unknown"]


class DoNotCall(Section):
    opt_out_field: str = Field(
        "do_not_call", description="of data collection: true when the person wants no more calls"
    )
    opt_out_dispositions: tuple[Ended, ...] = Field(
        (), description="calls that end so put the number on the list"
    )
    stale_after: Duration = Field(31 * 86400.0, description="age of an imported list")
    when_stale: Literal["warn", "refuse"] = Field("warn", description="refuse: nobody is called")
    required: tuple[str, ...] = Field(
        (), description="lists without which, or without a fresh one, nobody is called"
    )


def _known_kinds(names: tuple[str, ...]) -> tuple[str, ...]:
    from callagent_cli.eligibility.number_types import KINDS

    for name in names:
        if name not in KINDS:
            raise ValueError(f"{name!r} is no kind of number; there are: {', '.join(KINDS)}")
    return names


NumberKinds = Annotated[tuple[str, ...], After(_known_kinds)]
