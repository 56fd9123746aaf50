"""Is this webhook from our callagent? Standard library only."""

import hashlib
import hmac

_TOO_OLD_S = 300


def verify(body: bytes, header: str, secret: str, now: float) -> bool:
    """body: as received; header: X-Callagent-Signature; now: unix seconds."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not at.isdigit() or abs(now - int(at)) > _TOO_OLD_S:
        return False
    signed = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256)
    return hmac.compare_digest(signed.hexdigest(), given)
