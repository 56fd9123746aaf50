"""What the account may still spend. Pure. Source: GET /v1/user/subscription."""

from collections.abc import Mapping
from dataclasses import dataclass

_BEHIND = frozenset({"past_due", "incomplete", "free_disabled"})


@dataclass(frozen=True, slots=True)
class Credits:
    credits: int | None  # left to spend; None: no ceiling
    is_behind: bool = False  # with its payments


def read_credits(body: Mapping[str, object]) -> Credits | None:
    """None: the answer does not say."""
    limit, used = body.get("character_limit"), body.get("character_count")
    if not isinstance(limit, int) or not isinstance(used, int):
        return None
    is_behind = str(body.get("status")) in _BEHIND
    extension = body.get("max_credit_limit_extension")
    if extension == "unlimited":
        return Credits(None, is_behind)
    more = extension if isinstance(extension, int) and not isinstance(extension, bool) else 0
    return Credits(max(0, limit - used + more), is_behind)
