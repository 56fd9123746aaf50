"""An LLM on loopback: each request that it is sent is held against the contract."""

import json
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import ServiceError
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.services.llm import ChatCompletions
from tests.support.crm_server import CrmServer, Reply, Request
from tests.support.hand_clock import HandClock

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contracts" / "openai.openapi.json").read_text()
)
CHAT, MODEL, MODELS = "POST /v1/chat/completions", "GET /v1/models/gpt-x", "GET /v1/models"
KEY, CANARY, NUMBER = "canary-key-6620", "canary-body-9917", "+12025550123"
FACTS = {"name": "Ann", "appointment": "2026-11-24 10:00"}
GREETING = "Hello Ann, this is the clinic."
Make = Callable[..., ChatCompletions]


def _check_against_contract(request: Request) -> None:
    path = request.raw_path.removeprefix("/v1")
    operation = next(
        operations[request.method.lower()]
        for template, operations in CONTRACT["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    )
    assert not request.query
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": CONTRACT["components"]}
        jsonschema.Draft202012Validator(whole).validate(request.json())


@contextmanager
def llm_server() -> Iterator[CrmServer]:
    with CrmServer() as running:
        yield running
    for request in running.requests:
        _check_against_contract(request)


def writer_at(url: str, **settings: Any) -> ChatCompletions:
    clock: Clock = settings.pop("clock", None) or HandClock()
    limits = Timeouts(connect_s=2, read_s=5, total_s=5)
    headers = {"Authorization": f"Bearer {KEY}"}
    session = HttpSession("llm", f"{url}/v1", headers=headers, timeouts=limits, clock=clock)
    defaults: dict[str, Any] = {"model": "gpt-x", "prompt": "Greet the contact."}
    return ChatCompletions(session, clock=clock, **{**defaults, **settings})


def completion(content: object, *, finish: object = "stop", **message: object) -> dict[str, Any]:
    """A chat completion of 2,000 tokens in and 100 out."""
    said = {"role": "assistant", "content": content, "refusal": None, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1763788800,
        "model": "gpt-x-2026",
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
        "usage": {"prompt_tokens": 2000, "completion_tokens": 100, "total_tokens": 2100},
    }


def said(content: object, **more: Any) -> Reply:
    return Reply(body=completion(content, **more))


def error_reply(status: int, code: object, kind: object = None, **headers: str) -> Reply:
    inner = {"message": f"{CANARY} {NUMBER}", "type": kind, "param": None, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": inner}, named)


def examples(path: str, status: str) -> dict[str, Any]:
    """Of the contract's answers to the path's one operation, by name."""
    operation = next(iter(CONTRACT["paths"][path].values()))
    response = operation["responses"][status]
    if "$ref" in response:
        response = CONTRACT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response["content"]["application/json"]["examples"]
    return {name: one["value"] for name, one in content.items()}


def shown(error: ServiceError) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + error.hint
