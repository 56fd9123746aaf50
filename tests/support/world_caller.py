"""Talks to a simulated world as a client would, without HTTP between them."""

import json
from dataclasses import dataclass
from typing import Any

from callagent_cli.simulator.world import World, WorldAnswer, WorldRequest

TWILIO = "/v1/convai/twilio/outbound-call"
SIP = "/v1/convai/sip-trunk/outbound-call"
CONVERSATIONS = "/v1/convai/conversations"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    delay_s: float


def dial_body(number: str = "+12025550101", **more: object) -> dict[str, object]:
    return {
        "agent_id": "agent_sandbox",
        "agent_phone_number_id": "phnum_sandbox",
        "to_number": number,
        **more,
    }


def client_data(attempt_id: str, **variables: object) -> dict[str, object]:
    return {"user_id": attempt_id, "dynamic_variables": variables}


@dataclass(frozen=True, slots=True)
class WorldCaller:
    world: World

    def ask(
        self, method: str, url: str, body: object = None, *, key: str | None = "sandbox"
    ) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if key is None else {"xi-api-key": key}
        answer: WorldAnswer = self.world.handle(WorldRequest(method, url, headers, raw))
        return Reply(answer.status, json.loads(answer.body), answer.delay_s)

    def get(self, url: str) -> Any:
        reply = self.ask("GET", url)
        assert reply.status == 200, reply
        return reply.body

    def place(self, number: str = "+12025550101", path: str = TWILIO, **more: object) -> str:
        """Dial; the conversation's id."""
        reply = self.ask("POST", path, dial_body(number, **more))
        assert reply.status == 200, reply
        return str(reply.body["conversation_id"])

    def read(self, conversation_id: str) -> Any:
        return self.get(f"{CONVERSATIONS}/{conversation_id}")
