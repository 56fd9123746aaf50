"""A voice provider in its own process, that remembers what it was asked to do.

    python -m tests.oracle.provider

prints its port and serves until its standard input is closed. It speaks the part of ElevenLabs'
API that a campaign uses, and keeps one world per API key. `/oracle/…` is the harness's own door:
`PUT /oracle/worlds/KEY` (JSON of `world.Terms`) makes a world, `DELETE` ends it, and
`GET /oracle/quiet` answers once nobody else is connected.
"""

import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.oracle import conversations
from tests.oracle.world import PATIENCE_S, Terms, World

AGENT_ID = "agent_oracle"
NUMBER_ID = "phnum_oracle"
_DIAL_PATHS = ("/v1/convai/twilio/outbound-call", "/v1/convai/sip-trunk/outbound-call")


class Provider(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.worlds: dict[str, World] = {}
        self._open = 0
        self._changed = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def wait_until_quiet(self, timeout_s: float) -> bool:
        """Wait until the only connection left is the one that asks."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open <= 1, timeout_s)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers die in the middle of things here; that is the point."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Provider

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/oracle/quiet":
            self._json({"quiet": self.server.wait_until_quiet(timeout_s=10)})
        elif world := self._world():
            self._read(world, url.path, parse_qs(url.query))

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return  # the caller died while sending: nobody was asked anything
        world = self._world()
        if world is None:
            return
        if self.path not in _DIAL_PATHS:
            world.stray(f"POST {self.path}")
            self._json({"detail": "Not Found"}, status=404)
            return
        mode, conversation_id = world.dial(body)
        if mode.delay_s:
            time.sleep(mode.delay_s)
        _ANSWERS[mode.answer](self, conversation_id)
        world.answered(conversation_id, mode.answer)

    def do_PUT(self) -> None:
        raw = json.loads(self._body() or b"{}")
        journal = raw.get("journal")
        self.server.worlds[self._last_part()] = World(
            self._last_part(),
            Terms(
                raw["schedule"],
                raw["seed"],
                Path(raw["log"]),
                raw["ledger"],
                Path(journal) if journal else None,
                raw.get("patience_s", PATIENCE_S),
            ),
        )
        self._json({})

    def do_DELETE(self) -> None:
        world = self.server.worlds.pop(self._last_part(), None)
        if world:
            world.close()
        self._json({})

    def _last_part(self) -> str:
        return self.path.rpartition("/")[2]

    def _world(self) -> World | None:
        world = self.server.worlds.get(self.headers.get("xi-api-key", ""))
        if world is None:
            body = {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
            self._json(body, status=401)
        return world

    def _body(self) -> bytes | None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _read(self, world: World, path: str, query: dict[str, list[str]]) -> None:
        found: object
        if path == "/v1/convai/conversations":
            found = world.listed(query)
        elif path.startswith("/v1/convai/conversations/"):
            found = world.conversation(self._last_part())
        else:
            found = _FIXED.get(path)
        if found is None:
            detail = {"status": "document_not_found", "message": "Not found."}
            self._json({"detail": detail}, status=404)
        else:
            self._json(found)

    def _json(self, body: object, *, status: int = 200, **headers: str) -> None:
        self.send_bytes(json.dumps(body).encode(), "application/json", status, headers)

    def send_bytes(
        self,
        body: bytes,
        kind: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        declared: int | None = None,
    ) -> None:
        """Send one answer; `declared` is a Content-Length that may promise more than there is."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        for name, value in (headers or {}).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer_placed(self, conversation_id: str) -> None:
        self._json(_placed(conversation_id))

    def answer_null(self, _: str) -> None:
        self._json(_placed(None))

    def answer_refused(self, _: str) -> None:
        refusal = {"success": False, "message": "Failed to initiate call"}
        self._json({**refusal, "conversation_id": None, "callSid": None})

    def answer_html(self, _: str) -> None:
        self.send_bytes(b"<html><h1>Bad gateway</h1></html>", "text/html")

    def answer_cut(self, conversation_id: str) -> None:
        whole = json.dumps(_placed(conversation_id)).encode()
        self.send_bytes(whole[:40], "application/json", declared=len(whole))
        self.close_connection = True

    def answer_500(self, _: str) -> None:
        self._json({"detail": {"status": "internal_server_error", "message": "x"}}, status=500)

    def answer_503(self, _: str) -> None:
        self._json({"detail": {"status": "service_unavailable", "message": "x"}}, status=503)

    def answer_429(self, _: str) -> None:
        self._json({"detail": {"status": "system_busy", "message": "busy"}}, status=429)

    def answer_429_after(self, _: str) -> None:
        detail = {"status": "too_many_concurrent_requests", "message": "busy"}
        self._json({"detail": detail}, status=429, Retry_After="0")

    def answer_307(self, _: str) -> None:
        self._json({}, status=307, Location="/elsewhere" + self.path)

    def answer_timeout(self, _: str) -> None:
        self.close_connection = True

    def answer_reset(self, _: str) -> None:
        """Close with a reset, not with a farewell."""
        linger_off = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_off)
        os.close(self.connection.detach())
        self.close_connection = True


def _placed(conversation_id: str | None) -> dict[str, Any]:
    return {
        "success": True,
        "message": "Call initiated successfully",
        "conversation_id": conversation_id,
        "callSid": "CA" + "0" * 32 if conversation_id else None,
    }


_ANSWERS: dict[str, Callable[[Handler, str], None]] = {
    "placed": Handler.answer_placed,
    "null": Handler.answer_null,
    "refused": Handler.answer_refused,
    "html": Handler.answer_html,
    "cut": Handler.answer_cut,
    "500": Handler.answer_500,
    "503": Handler.answer_503,
    "429": Handler.answer_429,
    "429-after": Handler.answer_429_after,
    "307": Handler.answer_307,
    "timeout": Handler.answer_timeout,
    "reset": Handler.answer_reset,
}
_FIXED: dict[str, object] = {
    f"/v1/convai/agents/{AGENT_ID}": conversations.agent(AGENT_ID, NUMBER_ID),
    "/v1/convai/phone-numbers": [conversations.number(AGENT_ID, NUMBER_ID)],
    "/v1/convai/analytics/live-count": {"count": 0},
    "/v1/user/subscription": {
        "tier": "creator",
        "character_count": 0,
        "character_limit": 100_000_000,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": True,
        "allowed_to_extend_character_limit": False,
        "status": "active",
    },
}


def main() -> None:
    provider = Provider()
    print(provider.server_address[1], flush=True)
    threading.Thread(target=provider.serve_forever, args=(0.05,), daemon=True).start()
    sys.stdin.read()  # ends when the harness does, however it ends
    os._exit(0)


if __name__ == "__main__":
    main()
