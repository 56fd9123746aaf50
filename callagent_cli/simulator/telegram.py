"""The bot API of Telegram: one bot, one chat, and every message that it was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.simulator.dial_request import json_object
from callagent_cli.simulator.exchange import Asked, WorldAnswer, WorldRequest, answer, ok
from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.reception import Reception

_LONGEST = 4096  # UTF-16 units


@dataclass(frozen=True, slots=True)
class Message:
    at: datetime
    text: str


class Telegram:
    """Thread-safe. messages: in the order they came; a repeat is another message."""

    token = "100000:sandbox"  # noqa: S105 - of no real bot
    chat_id = "100"

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.messages: list[Message] = []

    def handle(self, request: WorldRequest) -> WorldAnswer:
        asked = Asked.of(request)
        method = asked.parts[-1].lower()
        return self.reception.serve(
            f"{asked.method} {asked.parts[-1]}",  # without the token
            is_work=method == "sendmessage",
            refusals=_REFUSALS,
            answer=lambda: self._answer(asked, method),
        )

    def _answer(self, asked: Asked, method: str) -> WorldAnswer:
        if len(asked.parts) != 2 or not asked.parts[0].startswith("bot"):
            return _error(404, "Not Found")
        if asked.parts[0] != f"bot{self.token}":
            return _error(401, "Unauthorized")
        given = {**{name: values[-1] for name, values in asked.query.items()}}
        wanted = given | dict(json_object(asked.body))
        match method:
            case "getme":
                return _result({"id": 100000, "is_bot": True, "first_name": "Sandbox"})
            case "getchat" | "sendmessage" if str(wanted.get("chat_id", "")) != self.chat_id:
                return _error(400, "Bad Request: chat not found")
            case "getchat":
                return _result(self._chat())
            case "sendmessage":
                return self._send(str(wanted.get("text") or ""))
            case _:
                return _error(404, "Not Found")

    def _send(self, text: str) -> WorldAnswer:
        if not text.strip():
            return _error(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > _LONGEST:
            return _error(400, "Bad Request: message is too long")
        now = self.reception.clock.now()
        self.messages.append(Message(now, text))
        self.reception.keep("message", text)
        number, at = len(self.messages), int(now.timestamp())
        return _result({"message_id": number, "date": at, "chat": self._chat(), "text": text})

    def _chat(self) -> dict[str, object]:
        return {"id": int(self.chat_id), "type": "private", "first_name": "Operator"}


def _result(result: object) -> WorldAnswer:
    return ok({"ok": True, "result": result})


def _error(status: int, description: str, **parameters: int) -> WorldAnswer:
    body: dict[str, object] = {"ok": False, "error_code": status, "description": description}
    return answer(status, body | ({"parameters": parameters} if parameters else {}))


_BUSY_S, _EXHAUSTED_S = 5, 3600


def _wait(seconds: int) -> WorldAnswer:
    return _error(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


_REFUSALS: Mapping[FaultKind, WorldAnswer] = {
    FaultKind.UNAVAILABLE: _error(503, "Service Unavailable"),
    FaultKind.BUSY: _wait(_BUSY_S),
    FaultKind.CREDENTIALS: _error(401, "Unauthorized"),
    FaultKind.QUOTA: _wait(_EXHAUSTED_S),
}
