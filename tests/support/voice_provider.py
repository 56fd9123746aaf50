"""A voice provider on a loopback port that answers as it is told, and remembers who it rang."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

Decide = Callable[[int], str]  # number of the dial, from 1 → ok, 503, 401, lost


class VoiceProvider:
    """decide: what happens to each dial. `lost`: the phone rings, the answer is cut. lists:
    whether its list has the calls; list_status: 500 for a list that cannot be had."""

    def __init__(self, decide: Decide = lambda _: "ok", *, lists: bool = True) -> None:
        self.decide, self.lists, self.list_status = decide, lists, 200
        self.lock = threading.Lock()
        self.dials = 0
        self.calls: dict[str, dict[str, Any]] = {}  # conversation id → the dial's body
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def rung(self) -> Counter[str]:
        return Counter(body["to_number"] for body in self.calls.values())

    def __enter__(self) -> "VoiceProvider":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: ClassVar[VoiceProvider]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        provider = self.provider
        with provider.lock:
            provider.dials += 1
            what = provider.decide(provider.dials)
            conversation_id = f"conv_{provider.dials}"
            if what in ("ok", "lost"):
                provider.calls[conversation_id] = body
        match what:
            case "ok":
                self._answer(200, {"success": True, "conversation_id": conversation_id})
            case "lost":
                self.close_connection = True  # without a word
            case "401":
                self._answer(401, {"detail": {"status": "invalid_api_key"}})
            case _:
                self._answer(503, {"detail": "Service Unavailable"})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.endswith("/phone-numbers"):
            self._answer(200, [{"phone_number_id": "phnum_1", "provider": "twilio"}])
        elif path.endswith("/conversations"):
            self._answer(self.provider.list_status, self._list())
        elif "/conversations/" in path:
            self._answer(200, self._conversation(path.rpartition("/")[2]))
        else:
            self._answer(200, {"agent_id": "agent_1"})

    def _list(self) -> dict[str, Any]:
        wanted = parse_qs(urlsplit(self.path).query).get("user_id", [""])[0]
        found = [
            {"conversation_id": conversation_id}
            for conversation_id, body in self.provider.calls.items()
            if self.provider.lists and _client_data(body)["user_id"] == wanted
        ]
        return {"conversations": found, "has_more": False, "next_cursor": None}

    def _conversation(self, conversation_id: str) -> dict[str, Any]:
        return {
            "conversation_id": conversation_id,
            "status": "done",
            "metadata": {"phone_call": {"call_result": "answered"}, "call_duration_secs": 30},
            "conversation_initiation_client_data": _client_data(
                self.provider.calls[conversation_id]
            ),
        }

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silent."""


def _client_data(body: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = body["conversation_initiation_client_data"]
    return data
