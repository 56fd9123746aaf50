"""A receiver of JSON on a loopback port: keeps what it was told, and answers as it is told."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar

Answer = tuple[int, object]  # status, JSON body


@dataclass(frozen=True, slots=True)
class Letter:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any  # of JSON; None without one

    @property
    def key(self) -> str:
        return self.headers.get("Idempotency-Key", "")


class Inbox:
    """port: 0 for any free one. answer: by letter; 200 and `{}` by default."""

    def __init__(
        self, port: int = 0, answer: Callable[[Letter], Answer] = lambda _: (200, {})
    ) -> None:
        self.answer, self.letters = answer, list[Letter]()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"inbox": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, letter: Letter) -> Answer:
        with self._lock:
            self.letters.append(letter)
        return self.answer(letter)

    def __enter__(self) -> "Inbox":
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
    inbox: ClassVar[Inbox]

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(sent) if sent else None
        letter = Letter(self.command, self.path, dict(self.headers), body)
        status, told = self.inbox.take(letter)
        answer = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""
