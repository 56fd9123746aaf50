"""Spans of time as people write them: seconds, or "90s", "45m", "2h", "1d"."""

import math
import re

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST_S = 3650 * 86400.0  # a calendar and a timer can still count it
_FORMS = "must be seconds or a text like 90s, 45m or 2h"
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)?")


def read_duration(value: object) -> float:
    """Seconds; ValueError says what is allowed."""
    if isinstance(value, bool):
        raise ValueError(_FORMS)  # noqa: TRY004 - pydantic hears ValueError
    if isinstance(value, int | float):
        seconds = float(value)
    elif isinstance(value, str) and (match := _FORM.fullmatch(value.strip().lower())):
        seconds = float(match[1]) * _UNITS_S[match[2] or "s"]
    else:
        raise ValueError(_FORMS)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("must be a finite time, not negative")
    if seconds > LONGEST_S:
        raise ValueError("must be at most 3650d, ten years")
    return seconds


def show_duration(seconds: float) -> str:
    """`90` → `90 s`, `5400` → `1.5 h`; whole seconds stay seconds up to two minutes."""
    if seconds <= 120:
        return f"{seconds:g} s"
    if seconds <= 7200:
        return f"{seconds / 60:g} min"
    return f"{seconds / 3600:g} h"
