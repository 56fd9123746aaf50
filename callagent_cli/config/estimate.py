"""Settings of the plan's estimate."""

from pydantic import Field

from callagent_cli.config.fields import Duration, Section
from callagent_cli.config.shares import Share


class Estimate(Section):
    talk: Duration = Field(60.0, description="length of a call that is answered")
    answered: Share = Field(0.5, description="share of calls that are answered, as 50%")
    price_per_minute: float | None = Field(
        None, ge=0, description="USD; null: not known until calls have ended"
    )
