"""A CRM on loopback that answers as it is told, and notes what it was asked."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Reply:
    """body: bytes as they are, anything else as JSON. is_lost: the request is taken, and the
    line cut instead of an answer."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_lost: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    raw_path: str  # encoded, without query
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(self.raw_path)

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    def json(self) -> Any:
        return json.loads(self.body)


LOST = Reply(is_lost=True)
_NOT_FOUND = Reply(404, {"status": "error", "category": "OBJECT_NOT_FOUND"})


class CrmServer:
    """What it was not told how to answer is 404."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._replies: dict[str, list[Reply]] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        cast("Any", self._http).crm = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def lines(self) -> list[str]:
        return [request.line for request in self.requests]

    def on(self, line: str, *replies: Reply) -> None:
        """line: `GET /path`, decoded. The last reply repeats."""
        self._replies[line] = list(replies)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        replies = self._replies.get(request.line, [_NOT_FOUND])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def __enter__(self) -> "CrmServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            self.command,
            url.path,
            dict(parse_qsl(url.query, keep_blank_values=True)),
            dict(self.headers.items()),
            body,
        )
        reply = cast("Any", self.server).crm.answer(request)
        self.close_connection = True
        if reply.is_lost:
            return
        sent = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_PATCH = do_HEAD = _serve

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return None
