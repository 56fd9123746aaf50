"""A world that answers the vendor's HTTP: it places calls, keeps them, and fails as planned.

Mounted on the product's own session by `transport`, or put on a port by `server`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import parse_qs, urlsplit

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator import account, conversations
from callagent_cli.simulator.conversation_list import page_of
from callagent_cli.simulator.conversations import SimulatedCall
from callagent_cli.simulator.dial_request import DialRequest, attempt_id, json_object
from callagent_cli.simulator.exchange import (
    AnswerLost,
    Invalid,
    WorldAnswer,
    WorldRequest,
    error,
    ok,
    plain_error,
    spoilt,
)
from callagent_cli.simulator.faults import FaultKind, FaultPlan

__all__ = ["AnswerLost", "Dial", "World", "WorldAnswer", "WorldRequest"]


@dataclass(frozen=True, slots=True)
class Dial:
    """A dial as the world saw it. to_number and attempt_id are empty when it had none."""

    at: datetime
    to_number: str
    attempt_id: str
    was_placed: bool  # a phone rang, whatever became of the answer
    status: int  # HTTP, of the answer that was sent or lost


class World:
    """seed: decides how each call goes. latency_s: until each answer, on the clock. Thread-safe.

    A call that an earlier world placed can be read by its id, but is in no list: its number
    and variables are gone.
    """

    agent_id = account.AGENT_ID
    phone_number_id = account.PHONE_NUMBER_ID
    api_key = account.API_KEY

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int,
        faults: FaultPlan | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.clock = clock
        self._seed, self._latency_s = seed, latency_s
        self._faults = faults or FaultPlan()
        self._began_s = clock.monotonic()
        self._lock = threading.RLock()
        self._calls: dict[str, SimulatedCall] = {}
        self._rung: Counter[str] = Counter()  # number → calls placed
        self._dials_asked = 0
        self.dials: list[Dial] = []
        self.says: Callable[[SimulatedCall], Mapping[str, object]] = _nothing  # data collected
        self.requests: Counter[str] = Counter()  # kind → requests, whatever their answer

    def calls_to(self, number: str) -> int:
        """How often that phone rang."""
        with self._lock:
            return self._rung[number]

    def handle(self, request: WorldRequest) -> WorldAnswer:
        """Answer one request; raises AnswerLost where the fault plan says so."""
        kind, ask = self._sort(request)
        with self._lock:
            fault = self._meet(kind)
        refusal = _REFUSALS.get(fault) if fault else None
        answer = refusal or self._ask(request, ask)
        if kind == "dial":
            self._note_dial(request, answer)
        answer = spoilt(answer, fault)
        return replace(answer, delay_s=answer.delay_s + self._latency_s)

    def _meet(self, kind: str) -> FaultKind | None:
        """Count the request, and see what goes wrong with it."""
        self.requests[kind] += 1
        self._dials_asked += kind == "dial"
        return self._faults.meets(
            "elevenlabs",
            self.clock.monotonic() - self._began_s,
            dial_no=self._dials_asked if kind == "dial" else None,
            request_no=self.requests.total(),
        )

    def _sort(self, request: WorldRequest) -> "tuple[str, Callable[[], WorldAnswer]]":
        """The request's kind, and what answers it."""
        url = urlsplit(request.url)
        parts = url.path.strip("/").split("/")
        for method, shape, kind, route in _ROUTES:
            if len(shape) == len(parts) and all(
                want in ("*", part) for want, part in zip(shape, parts, strict=True)
            ):
                if method != request.method:
                    return "unknown", _method_not_allowed
                asked = _Asked(parts, parse_qs(url.query), request.body)
                return kind, partial(route, self, asked)
        return "unknown", _not_found

    def _ask(self, request: WorldRequest, ask: Callable[[], WorldAnswer]) -> WorldAnswer:
        key = request.headers.get("xi-api-key")
        if key is None:
            return error(401, "needs_authorization", "No xi-api-key received")
        if key != self.api_key:
            return error(401, "invalid_api_key", "Invalid API key")
        try:
            return ask()
        except Invalid as invalid:
            return invalid.answer

    def _note_dial(self, request: WorldRequest, answer: WorldAnswer) -> None:
        number = json_object(request.body).get("to_number")
        dial = Dial(
            at=self.clock.now(),
            to_number=number if isinstance(number, str) else "",
            attempt_id=attempt_id(request.body),
            was_placed=answer.status == 200,
            status=answer.status,
        )
        with self._lock:
            self.dials.append(dial)

    def _dial(self, asked: "_Asked") -> WorldAnswer:
        wanted, trunk = DialRequest.of(asked.body), asked.parts[2]
        if wanted.agent_id != self.agent_id:
            return error(404, "document_not_found", "No such agent")
        if wanted.phone_number_id != self.phone_number_id:
            return error(404, "document_not_found", "No such phone number")
        with self._lock:
            call_no = self._rung[wanted.to_number]
            began_s = self.clock.now().timestamp()
            call = conversations.place(self._seed, began_s, call_no, wanted, trunk)
            call = replace(call, collected=self.says(call))
            self._calls[call.conversation_id] = call
            self._rung[wanted.to_number] += 1
        return ok(
            {
                "success": True,
                "message": "Call initiated successfully",
                "conversation_id": call.conversation_id,
                "callSid" if trunk == "twilio" else "sip_call_id": call.carrier_id,
            }
        )

    def _list(self, asked: "_Asked") -> WorldAnswer:
        now_s = self._now_s()
        with self._lock:
            calls = list(self._calls.values())
        page = page_of(calls, self.agent_id, asked.query)
        return ok(
            {
                "conversations": [
                    conversations.summary_of(call, self.agent_id, now_s) for call in page.calls
                ],
                "next_cursor": page.next_cursor,
                "has_more": page.next_cursor is not None,
            }
        )

    def _read(self, asked: "_Asked") -> WorldAnswer:
        conversation_id = asked.parts[-1]
        with self._lock:
            call = self._calls.get(conversation_id) or conversations.recall(conversation_id)
        if call is None:
            return error(404, "conversation_not_found", "No such conversation")
        return ok(conversations.report(call, self.agent_id, self.phone_number_id, self._now_s()))

    def _agent(self, asked: "_Asked") -> WorldAnswer:
        if asked.parts[-1] != self.agent_id:
            return error(404, "document_not_found", "No such agent")
        return ok(account.agent(self.agent_id))

    def _phone_numbers(self, _: "_Asked") -> WorldAnswer:
        return ok([account.phone_number(self.phone_number_id, self.agent_id)])

    def _subscription(self, _: "_Asked") -> WorldAnswer:
        return ok(account.subscription())

    def _live_count(self, _: "_Asked") -> WorldAnswer:
        now_s = self._now_s()
        with self._lock:
            calls = list(self._calls.values())
        live = sum(conversations.status(call, now_s) == "in-progress" for call in calls)
        return ok({"count": live})

    def _now_s(self) -> float:
        return self.clock.now().timestamp()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, taken apart."""

    parts: list[str]  # of the path
    query: Mapping[str, list[str]]
    body: bytes


def _nothing(_: SimulatedCall) -> Mapping[str, object]:
    return {}


def _not_found() -> WorldAnswer:
    return plain_error(404, "Not Found")


def _method_not_allowed() -> WorldAnswer:
    return plain_error(405, "Method Not Allowed")


_Route = tuple[str, tuple[str, ...], str, Callable[[World, _Asked], WorldAnswer]]
_CONVAI = ("v1", "convai")
_ROUTES: tuple[_Route, ...] = (  # method, path (`*`: any word), kind, what answers it
    ("POST", (*_CONVAI, "twilio", "outbound-call"), "dial", World._dial),
    ("POST", (*_CONVAI, "sip-trunk", "outbound-call"), "dial", World._dial),
    ("GET", (*_CONVAI, "conversations"), "list", World._list),
    ("GET", (*_CONVAI, "conversations", "*"), "conversation", World._read),
    ("GET", (*_CONVAI, "agents", "*"), "agent", World._agent),
    ("GET", (*_CONVAI, "phone-numbers"), "phone_numbers", World._phone_numbers),
    ("GET", (*_CONVAI, "analytics", "live-count"), "live_count", World._live_count),
    ("GET", ("v1", "user", "subscription"), "subscription", World._subscription),
)

_REFUSALS: Mapping[FaultKind, WorldAnswer] = {
    FaultKind.UNAVAILABLE: error(503, "service_unavailable", "Service Unavailable"),
    FaultKind.BUSY: error(429, "system_busy", "The system is experiencing heavy traffic"),
    FaultKind.CREDENTIALS: error(401, "invalid_api_key", "Invalid API key"),
    FaultKind.QUOTA: error(401, "quota_exceeded", "This request exceeds your quota"),
}
