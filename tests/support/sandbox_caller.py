"""Talks to one service of the sandbox as a client would, without HTTP between them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callagent_cli.simulator.exchange import WorldRequest
from callagent_cli.simulator.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    body: Any
    headers: Mapping[str, str]
    delay_s: float


@dataclass(frozen=True, slots=True)
class SandboxCaller:
    """url: of the service; a path is appended."""

    sandbox: Sandbox
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        given = self.headers if headers is None else headers
        answer = self.sandbox.handle(WorldRequest(method, self.url + path, given, raw))
        return Told(answer.status, json.loads(answer.body), answer.headers, answer.delay_s)

    def get(self, path: str) -> Any:
        told = self.ask("GET", path)
        assert told.status == 200, told
        return told.body
