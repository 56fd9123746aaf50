"""OpenAI-compatible chat completions: a model that words a sensible opening from what it is told
of a contact, always the same for the same."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.simulator.dial_request import json_object
from callagent_cli.simulator.exchange import Asked, WorldAnswer, WorldRequest, answer, ok
from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.reception import Reception

_OPENINGS = (
    "Hello{name}, this is the sandbox calling{about}. Is this a good moment?",
    "Good day{name}, I am calling from the sandbox{about}. Do you have a minute?",
    "Hello{name}, thank you for taking the call. I am calling{about}.",
)
_ABOUT = ("topic", "subject", "reason", "appointment", "product", "company")
_FIELD = re.compile(r"^\W*([A-Za-z_][\w ]{0,40}?)\W*[:=]\s*(.+?)\s*$", re.MULTILINE)
_KEYS = re.compile(r"\bkeys\b[^\w\"'`]*(.+?)(?:[.;\n]|$)", re.IGNORECASE)
_KEY = re.compile(r"[A-Za-z_]\w{0,63}")


@dataclass(frozen=True, slots=True)
class Completion:
    """One that was asked for, and what was answered."""

    at: datetime
    model: str
    prompt: str  # all messages, joined
    content: str


class ChatCompletions:
    """Thread-safe. It knows every model by name."""

    api_key = "sandbox"
    model = "sandbox-1"

    def __init__(self, reception: Reception, *, seed: int) -> None:
        self.reception, self._seed = reception, seed
        self.completions: list[Completion] = []

    def handle(self, request: WorldRequest) -> WorldAnswer:
        asked = Asked.of(request)
        return self.reception.serve(
            asked.line,
            is_work=asked.method == "POST",
            refusals=_REFUSALS,
            answer=lambda: self._answer(asked),
        )

    def _answer(self, asked: Asked) -> WorldAnswer:
        if asked.header("authorization") != f"Bearer {self.api_key}":
            return _WRONG_KEY
        match asked.method, asked.parts:
            case "POST", ("v1", "chat", "completions"):
                return self._complete(json_object(asked.body))
            case "GET", ("v1", "models"):
                return ok({"object": "list", "data": [_model(self.model)]})
            case "GET", ("v1", "models", *name) if name:
                return ok(_model("/".join(name)))
            case _:
                return _error(404, f"Invalid URL ({asked.line})", "invalid_request_error")

    def _complete(self, wanted: Mapping[str, object]) -> WorldAnswer:
        model, messages = wanted.get("model"), wanted.get("messages")
        if not isinstance(model, str) or not model:
            return _error(400, "you must provide a model parameter", "invalid_request_error")
        if not isinstance(messages, list) or not messages:
            return _error(400, "'messages' must not be empty", "invalid_request_error")
        texts = [_text(message) for message in messages]
        content = self._write(texts, asked_keys(wanted, texts))
        now = self.reception.clock.now()
        self.completions.append(Completion(now, model, "\n\n".join(texts), content))
        self.reception.keep("completion", texts[-1])
        return ok(self._body(model, texts, content, now))

    def _body(
        self, model: str, texts: Sequence[str], content: str, now: datetime
    ) -> dict[str, object]:
        message = {"role": "assistant", "content": content, "refusal": None}
        prompt_tokens, completion_tokens = _tokens("".join(texts)), _tokens(content)
        return {
            "id": f"chatcmpl-sandbox{len(self.completions)}",
            "object": "chat.completion",
            "created": int(now.timestamp()),
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
        }

    def _write(self, texts: Sequence[str], keys: Sequence[str]) -> str:
        facts = facts_in(texts[-1])
        dice = random.Random(f"{self._seed}:{texts[-1]}")  # noqa: S311 - a simulation
        line = dice.choice(_OPENINGS).format(name=_name(facts), about=_topic(facts))
        if not keys:
            return line
        return json.dumps({key: line if n == 0 else _phrase(key) for n, key in enumerate(keys)})


def asked_keys(wanted: Mapping[str, object], texts: Sequence[str]) -> list[str]:
    """The names of the texts that are wanted, when they are wanted as one JSON object: those of
    the schema, else those that the instruction lists after the word `keys`."""
    match wanted.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": {"properties": dict() as names}}}:
            return [str(name) for name in names]
    lists = (found[1] for text in texts[:-1] for found in _KEYS.finditer(text))
    words = (word for listed in lists for word in _KEY.findall(listed))
    return list(dict.fromkeys(word for word in words if word != "and"))


def facts_in(text: str) -> dict[str, str]:
    """What a message says of the contact: a JSON object somewhere in it, or `name: value`
    lines."""
    begin, end = text.find("{"), text.rfind("}")
    found = json_object(text[begin : end + 1].encode()) if begin != -1 else {}
    if len(found) == 1 and isinstance(inner := next(iter(found.values())), dict):
        found = inner
    pairs = found.items() if found else _FIELD.findall(text)
    return {
        str(name).strip().lower(): str(value)
        for name, value in pairs
        if isinstance(value, (str, int, float)) and str(value).strip()
    }


def _name(facts: Mapping[str, str]) -> str:
    name = facts.get("first_name") or facts.get("firstname") or facts.get("name") or ""
    return f" {name}" if name else ""


def _topic(facts: Mapping[str, str]) -> str:
    about = next((facts[name] for name in _ABOUT if name in facts), "")
    return f" about {about}" if about else ""


def _phrase(key: str) -> str:
    return f"A word on {key.replace('_', ' ')}."


def _text(message: object) -> str:
    match message:
        case {"content": str(text)}:
            return text
        case {"content": list(parts)}:
            return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
        case _:
            return ""


def _tokens(text: str) -> int:
    return max(1, len(text) // 4)


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 1700000000, "owned_by": "sandbox"}


def _error(status: int, message: str, kind: str, code: str | None = None) -> WorldAnswer:
    body = {"message": message, "type": kind, "param": None, "code": code}
    return answer(status, {"error": body})


_WRONG_KEY = _error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
_REFUSALS: Mapping[FaultKind, WorldAnswer] = {
    FaultKind.UNAVAILABLE: _error(
        503, "The server is overloaded.", "service_unavailable_error", "server_is_overloaded"
    ),
    FaultKind.BUSY: _error(429, "Rate limit reached.", "requests", "rate_limit_exceeded"),
    FaultKind.CREDENTIALS: _WRONG_KEY,
    FaultKind.QUOTA: _error(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
}
