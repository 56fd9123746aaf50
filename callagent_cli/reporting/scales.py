"""Round numbers for a chart's axes, and names as people write them."""

from datetime import UTC, datetime, timedelta

_STEPS = (1, 2, 5)
_TIME_STEPS = tuple(
    timedelta(seconds=seconds)
    for seconds in (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
                    172800, 604800, 1209600, 2419200)
)  # fmt: skip
_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)  # a Monday


def count_ticks(top: int, most: int = 5) -> list[int]:
    """0 and at most `most` round numbers above it, the last not below `top`."""
    power = 1
    while True:
        for factor in _STEPS:
            step = factor * power
            if step * most >= top:
                return list(range(0, top + step, step))
        power *= 10


def spoken(name: str) -> str:
    """`no_answer` as `no answer`."""
    return name.replace("_", " ")


def time_ticks(begin: datetime, end: datetime, most: int) -> list[tuple[datetime, str]]:
    """At most `most` round times between two, with their names; UTC."""
    step = next((s for s in _TIME_STEPS if (end - begin) / s < most), (end - begin) / most)
    at = begin + (_EPOCH - begin) % step
    form = time_form(begin, end, step)
    ticks = []
    while at <= end:
        ticks.append((at, f"{at:{form}}"))
        at += step
    return ticks


def time_form(begin: datetime, end: datetime, step: timedelta) -> str:
    """As much of a time as tells it from its neighbours."""
    if step >= timedelta(days=1):
        return "%d %b"
    if step < timedelta(minutes=1):
        return "%H:%M:%S"
    return "%H:%M" if end - begin <= timedelta(days=1) else "%d %b %H:%M"
