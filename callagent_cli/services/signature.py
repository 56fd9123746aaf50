"""How a receiver can tell our messages from anybody else's."""

import hashlib
import hmac

from callagent_cli.domain.clock import Clock

SIGNATURE_HEADER = "X-Callagent-Signature"


def signature_of(body: bytes, secret: str, clock: Clock) -> dict[str, str]:
    """The header that signs `<unix seconds>.<body>` with HMAC-SHA256: `t=<unix seconds>,v1=<hex>`.
    Without a secret there is none."""
    if not secret:
        return {}
    at = str(int(clock.now().timestamp()))
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return {SIGNATURE_HEADER: f"t={at},v1={digest.hexdigest()}"}
