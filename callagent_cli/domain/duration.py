"""How long something takes, in words."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def duration_text(seconds: float) -> str:
    """`0.4 s`, `84 s`, `12 min`, `1 h 05 min`, `2 d 3 h`: two units at most."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.2g} s"
    whole = round(seconds)
    if whole < 2 * _MINUTE_S:
        return f"{whole} s"
    minutes = round(whole / _MINUTE_S)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < _DAY_S // _MINUTE_S:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(whole / _HOUR_S)
    return f"{hours // 24} d {hours % 24} h"
