"""A world that answers the vendor's HTTP: it places calls, keeps them, and fails as planned.

Mounted on the product's own session by `transport`, or put on a port by `server`.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator import conversations
from callagent_cli.simulator.conversations import SimulatedCall
from callagent_cli.simulator.faults import FaultKind, FaultPlan

_DIALS = ("/v1/convai/twilio/outbound-call", "/v1/convai/sip-trunk/outbound-call")
_SLOW_S = 20.0


@dataclass(frozen=True, slots=True)
class WorldRequest:
    method: str
    url: str  # path and query, absolute or not
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class WorldAnswer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json"}
    )


class AnswerLost(Exception):
    """The request was carried out; its answer never arrives. `is_reset`: the line dropped."""

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__("reset" if is_reset else "timeout")
        self.is_reset = is_reset


@dataclass(frozen=True, slots=True)
class Dial:
    """A dial as the world saw it."""

    at: datetime
    to_number: str
    attempt_id: str
    was_placed: bool


class World:
    """seed: decides how each call goes. Thread-safe."""

    agent_id = "agent_sandbox"
    phone_number_id = "phnum_sandbox"
    api_key = "sandbox"

    def __init__(self, clock: Clock, *, seed: int, faults: FaultPlan | None = None) -> None:
        self._clock, self._seed = clock, seed
        self._faults = faults or FaultPlan()
        self._began_s = clock.monotonic()
        self._lock = threading.RLock()
        self._calls: dict[str, SimulatedCall] = {}
        self.dials: list[Dial] = []

    def handle(self, request: WorldRequest) -> WorldAnswer:
        """Answer one request; raises AnswerLost where the fault plan says so."""
        path = urlsplit(request.url).path
        is_dial = request.method == "POST" and path in _DIALS
        with self._lock:
            fault = self._faults.meets(
                "elevenlabs",
                self._clock.monotonic() - self._began_s,
                dial_no=len(self.dials) + 1 if is_dial else None,
            )
        if fault in _REFUSALS:
            if is_dial:
                self._note_dial(_json_body(request), was_placed=False)
            return _REFUSALS[fault]
        if fault is FaultKind.SLOW:
            self._clock.signal().wait(_SLOW_S)
        answer = self._route(request, path)
        match fault:
            case FaultKind.TIMEOUT | FaultKind.RESET_AFTER:
                raise AnswerLost(is_reset=fault is FaultKind.RESET_AFTER)
            case FaultKind.GARBAGE:
                return WorldAnswer(200, b"<html>", {"Content-Type": "text/html"})
            case _:
                return answer

    def _route(self, request: WorldRequest, path: str) -> WorldAnswer:
        if request.headers.get("xi-api-key") != self.api_key:
            return _error(401, "invalid_api_key", "Invalid API key")
        query = {
            name: values[-1] for name, values in parse_qs(urlsplit(request.url).query).items()
        }
        match request.method, path.strip("/").split("/"):
            case "POST", ["v1", "convai", "twilio" | "sip-trunk" as trunk, "outbound-call"]:
                return self._dial(_json_body(request), trunk)
            case "GET", ["v1", "convai", "conversations"]:
                return self._list(query)
            case "GET", ["v1", "convai", "conversations", conversation_id]:
                return self._read(conversation_id)
            case "GET", ["v1", "convai", "agents", agent_id]:
                return self._agent(agent_id)
            case "GET", ["v1", "convai", "phone-numbers"]:
                return _ok([self._phone_number()])
            case "GET", ["v1", "convai", "analytics", "live-count"]:
                return _ok({"count": self._live()})
            case "GET", ["v1", "user", "subscription"]:
                return _ok(_SUBSCRIPTION)
            case _:
                return WorldAnswer(404, b'{"detail": "Not Found"}')

    def _dial(self, body: Mapping[str, object], trunk: str) -> WorldAnswer:
        to_number = body.get("to_number")
        if not isinstance(to_number, str) or not to_number.startswith("+"):
            missing = {"type": "missing", "loc": ["body", "to_number"], "msg": "Field required"}
            return _answer(422, {"detail": [missing]})
        if body.get("agent_id") != self.agent_id:
            return _error(404, "document_not_found", "No such agent")
        client_data = body.get("conversation_initiation_client_data")
        with self._lock:
            call_no = sum(call.to_number == to_number for call in self._calls.values())
            call = conversations.place(
                self._seed,
                self._clock.now().timestamp(),
                to_number,
                call_no,
                client_data if isinstance(client_data, dict) else {},
            )
            self._calls[call.conversation_id] = call
        self._note_dial(body, was_placed=True)
        carrier = "callSid" if trunk == "twilio" else "sip_call_id"
        return _ok(
            {
                "success": True,
                "message": "Call initiated successfully",
                "conversation_id": call.conversation_id,
                carrier: f"CA{call.conversation_id[-21:]:0>32}",
            }
        )

    def _note_dial(self, body: Mapping[str, object], *, was_placed: bool) -> None:
        client_data = body.get("conversation_initiation_client_data")
        user_id = client_data.get("user_id") if isinstance(client_data, dict) else None
        dial = Dial(self._clock.now(), str(body.get("to_number")), str(user_id or ""), was_placed)
        with self._lock:
            self.dials.append(dial)

    def _list(self, query: Mapping[str, str]) -> WorldAnswer:
        now_s = self._clock.now().timestamp()
        with self._lock:
            calls = sorted(self._calls.values(), key=lambda call: -call.began_s)
        found = [call for call in calls if _matches(call, query)]
        size, start = int(query.get("page_size", 30)), int(query.get("cursor") or 0)
        end = start + size
        page = [conversations.summary_of(call, self.agent_id, now_s) for call in found[start:end]]
        has_more = end < len(found)
        cursor = str(end) if has_more else None
        return _ok({"conversations": page, "next_cursor": cursor, "has_more": has_more})

    def _read(self, conversation_id: str) -> WorldAnswer:
        with self._lock:
            call = self._calls.get(conversation_id) or conversations.recall(conversation_id)
        if call is None:
            return _error(404, "conversation_not_found", "No such conversation")
        now_s = self._clock.now().timestamp()
        return _ok(conversations.report(call, self.agent_id, self.phone_number_id, now_s))

    def _agent(self, agent_id: str) -> WorldAnswer:
        if agent_id != self.agent_id:
            return _error(404, "document_not_found", "No such agent")
        return _ok(
            {
                "agent_id": self.agent_id,
                "name": "Sandbox agent",
                "conversation_config": {
                    "agent": {
                        "first_message": "Hello, this is a sandbox call.",
                        "language": "en",
                        "prompt": {
                            "prompt": "You are friendly.",
                            "built_in_tools": {
                                "voicemail_detection": {"name": "voicemail_detection"}
                            },
                        },
                        "dynamic_variables": {"dynamic_variable_placeholders": {}},
                    },
                    "conversation": {"max_duration_seconds": 600},
                },
                "platform_settings": {
                    "archived": False,
                    "call_limits": {
                        "agent_concurrency_limit": -1,
                        "daily_limit": 100000,
                        "bursting_enabled": False,
                    },
                },
                "phone_numbers": [],
                "metadata": {"created_at_unix_secs": 1700000000},
            }
        )

    def _phone_number(self) -> dict[str, object]:
        return {
            "phone_number": "+12025550100",
            "label": "Sandbox",
            "phone_number_id": self.phone_number_id,
            "provider": "twilio",
            "supports_inbound": True,
            "supports_outbound": True,
            "assigned_agent": {"agent_id": self.agent_id, "agent_name": "Sandbox agent"},
        }

    def _live(self) -> int:
        now_s = self._clock.now().timestamp()
        with self._lock:
            return sum(
                conversations.status(call, now_s) == "in-progress" for call in self._calls.values()
            )


def _matches(call: SimulatedCall, query: Mapping[str, str]) -> bool:
    if "user_id" in query and call.user_id != query["user_id"]:
        return False
    if call.began_s < float(query.get("call_start_after_unix") or 0):
        return False
    return call.began_s <= float(query.get("call_start_before_unix") or "inf")


def _json_body(request: WorldRequest) -> dict[str, object]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _answer(status: int, body: object) -> WorldAnswer:
    return WorldAnswer(status, json.dumps(body).encode())


def _ok(body: object) -> WorldAnswer:
    return _answer(200, body)


def _error(status: int, code: str, message: str) -> WorldAnswer:
    return _answer(status, {"detail": {"status": code, "message": message}})


_REFUSALS: Mapping[FaultKind | None, WorldAnswer] = {
    FaultKind.UNAVAILABLE: _error(503, "service_unavailable", "Service Unavailable"),
    FaultKind.BUSY: _error(429, "system_busy", "The system is experiencing heavy traffic"),
    FaultKind.CREDENTIALS: _error(401, "invalid_api_key", "Invalid API key"),
    FaultKind.QUOTA: _error(401, "quota_exceeded", "This request exceeds your quota"),
}

_SUBSCRIPTION = {
    "tier": "creator",
    "character_count": 1000,
    "character_limit": 1000000,
    "max_credit_limit_extension": 0,
    "can_extend_character_limit": False,
    "allowed_to_extend_character_limit": False,
    "status": "active",
    "next_character_count_reset_unix": 1900000000,
}
