"""When a person asked to be called again."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

_FURTHEST = timedelta(days=90)  # what lies further off was misheard


def callback_at(
    collected: Mapping[str, str], field: str, *, zone: tzinfo | None, now: datetime
) -> datetime | None:
    """The time that the call's data collection holds under `field`, in ISO 8601, as
    `2026-11-24T15:30` in the contact's own time or with an offset.

    None without one, for one that is past or more than 90 days off, and for one whose zone
    nobody knows: a guess could ring at night.
    """
    try:
        asked = datetime.fromisoformat(collected.get(field, "").strip())
    except ValueError:
        return None
    if asked.tzinfo is None:
        if zone is None:
            return None
        asked = asked.replace(tzinfo=zone)
    return asked.astimezone(now.tzinfo) if now < asked <= now + _FURTHEST else None
