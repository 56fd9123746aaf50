"""Somebody's receiver of events: takes any POST, and keeps what it was sent."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from callagent_cli.simulator.exchange import Asked, WorldAnswer, WorldRequest, answer, ok
from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.reception import Reception

_SIGNATURE = re.compile(r"t=(\d+),v1=([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Posting:
    """key: its Idempotency-Key. is_repeat: the key had come before; a receiver leaves it then.
    is_signed: there is a signature, and it is right."""

    at: datetime
    path: str
    key: str
    body: bytes
    is_repeat: bool
    is_signed: bool


class Webhook:
    """Thread-safe. A signature may be missing; a wrong one is refused. `postings` has
    repeats too, in the order they came; `reception.arrivals` is what a receiver acts on."""

    secret = "sandbox"  # noqa: S105 - signs what never leaves the process

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.postings: list[Posting] = []

    def handle(self, request: WorldRequest) -> WorldAnswer:
        asked = Asked.of(request)
        return self.reception.serve(
            asked.line,
            is_work=asked.method == "POST",
            refusals=_REFUSALS,
            answer=lambda: self._answer(asked),
        )

    def _answer(self, asked: Asked) -> WorldAnswer:
        match asked.method:
            case "POST":
                return self._take(asked)
            case "GET" | "HEAD":
                return ok({"status": "ok"})
            case _:
                return answer(405, {"error": "method not allowed"})

    def _take(self, asked: Asked) -> WorldAnswer:
        signature = asked.header("x-callagent-signature")
        if signature and not self._is_right(signature, asked.body):
            return answer(400, {"error": "the signature is wrong"})
        key = asked.header("idempotency-key")
        is_repeat = bool(key) and any(posting.key == key for posting in self.postings)
        now, path = self.reception.clock.now(), "/" + "/".join(asked.parts)
        posting = Posting(now, path, key, asked.body, is_repeat, bool(signature))
        self.postings.append(posting)
        if not is_repeat:
            self.reception.keep("event", key)
        return ok({"received": True, "is_repeat": is_repeat})

    def _is_right(self, signature: str, body: bytes) -> bool:
        found = _SIGNATURE.fullmatch(signature)
        if found is None:
            return False
        signed = f"{found[1]}.".encode() + body
        digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(digest, found[2])


_SLOW_DOWN = answer(429, {"error": "too many requests"})
_REFUSALS: Mapping[FaultKind, WorldAnswer] = {
    FaultKind.UNAVAILABLE: answer(503, {"error": "unavailable"}),
    FaultKind.BUSY: replace(_SLOW_DOWN, headers={**_SLOW_DOWN.headers, "Retry-After": "5"}),
    FaultKind.CREDENTIALS: answer(401, {"error": "unauthorized"}),
    FaultKind.QUOTA: answer(402, {"error": "payment required"}),
}
