"""A provider's account on a loopback port: agent, number, credits and clock as they are told."""

import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar

REFUSED = {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
UNSCOPED = {"detail": {"status": "missing_permissions", "message": "user_read is missing"}}
AGENT: dict[str, Any] = {
    "agent_id": "agent_1",
    "conversation_config": {
        "agent": {
            "first_message": "Hello {{name}}, it is about {{topic}}",
            "prompt": {"built_in_tools": {"voicemail_detection": {"name": "v"}}},
        }
    },
}
NUMBER = {"phone_number_id": "phnum_1", "provider": "twilio"}
CREDITS = {"character_limit": 1_000_000, "character_count": 0, "status": "active"}


class AccountServer:
    """answers: path's end → status and body; changed by the test. off_s: of its clock."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object]] = {
            "/agents/agent_1": (200, AGENT),
            "/phone-numbers": (200, [NUMBER]),
            "/subscription": (200, CREDITS),
        }
        self.off_s = 0.0
        self.methods: set[str] = set()
        handler = type("Handler", (_Handler,), {"account": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "AccountServer":
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
    account: ClassVar[AccountServer]

    def do_GET(self) -> None:
        self.account.methods.add(self.command)
        found = (one for end, one in self.account.answers.items() if self.path.endswith(end))
        status, body = next(found, (404, {"detail": "Not Found"}))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = time.time() if timestamp is None else timestamp
        return formatdate(now + self.account.off_s, usegmt=True)

    def log_message(self, *_: object) -> None:
        """Silent."""
