"""A dead-man's switch on a loopback port."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar

SECRET = "3f1c7a52-ping-me-0042"


class PingServer:
    """Remembers what it was told, beneath its URL: `start`, an exit status, or nothing."""

    def __init__(self, *, status: int = 200) -> None:
        self.status, self.told = status, list[str]()
        self.has_heard = threading.Event()
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{SECRET}"

    def __enter__(self) -> "PingServer":
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
    server_of: ClassVar[PingServer]

    def do_GET(self) -> None:
        server = self.server_of
        server.told.append(self.path.removeprefix(f"/{SECRET}").removeprefix("/"))
        server.has_heard.set()
        self.send_response(server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""
