"""`--since` and `--until`: a moment, or how long ago it was."""

from datetime import datetime, timedelta

from callagent_cli.config.durations import read_duration
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.text import one_line


def moment(text: str | None, flag: str, now: datetime) -> datetime | None:
    """ISO, in this machine's zone where it names none; or `2h` before `now`."""
    if text is None:
        return None
    try:
        return now - timedelta(seconds=read_duration(text))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InputError(
            f"{flag} {one_line(text, 40)!r} is no time",
            hint="write 2h, 45m, 2026-11-24, 2026-11-24T09:30 or 2026-11-24T09:30+01:00",
        ) from None
