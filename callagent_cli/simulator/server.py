"""The same world on a loopback port, where any client can talk to it."""

import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from callagent_cli.domain.errors import InputError
from callagent_cli.simulator.exchange import (
    Answering,
    AnswerLost,
    WorldAnswer,
    WorldRequest,
    plain_error,
)

_MAX_BODY = 1_000_000
_LOST_S = 120.0  # how long an answer that never comes keeps its line open
_LINGER_NONE = struct.pack("ii", 1, 0)  # close with RST instead of FIN


class WorldServer:
    """Serves until closed. Loopback only."""

    def __init__(self, world: Answering, port: int) -> None:
        try:
            self._server = _Server(world, port)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "it must be from 0 to 65535"
            raise InputError(
                f"port {port} cannot be used: {reason}",
                hint="choose another, or leave it out for a free one",
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="world-server",
            daemon=True,
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop listening and cut the lines that are open."""
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_lines()
        self._thread.join()


def serve(world: Answering, *, port: int = 0) -> WorldServer:
    """port 0: any free one. Raises InputError for one that cannot be had."""
    return WorldServer(world, port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world: Answering, port: int) -> None:
        self.world, self.over = world, world.clock.signal()
        self._lines: set[socket.socket] = set()
        self._lines_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """As inherited, without looking up the host's name."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: object, client_address: object) -> None:
        with self._lines_lock:
            self._lines.add(request)  # type: ignore[arg-type]  # a TCP server's is a socket
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: object) -> None:
        with self._lines_lock:
            self._lines.discard(request)
        super().shutdown_request(request)  # type: ignore[arg-type]

    def cut_lines(self) -> None:
        with self._lines_lock:
            lines = list(self._lines)
        for line in lines:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already closed

    def handle_error(self, *_: object) -> None:
        """Silent: a client that went away is its own affair."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        body = self._body()
        if isinstance(body, WorldAnswer):
            self.close_connection = True  # what follows on this line is not a request
            self._send(body)
            return
        request = WorldRequest(
            method=self.command,
            url=self.path,
            # HTTP header names have no case; the world spells them small
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        try:
            answer = self.server.world.handle(request)
        except AnswerLost as lost:
            self._lose(is_reset=lost.is_reset)
            return
        if not self.server.over.wait(answer.delay_s):
            self._send(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

    def _body(self) -> bytes | WorldAnswer:
        """The request's body, or the answer to one that cannot be read."""
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            return plain_error(411, "Length Required")
        if int(length) > _MAX_BODY:
            return plain_error(413, "Content Too Large")
        return self.rfile.read(int(length))

    def _send(self, answer: WorldAnswer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def _lose(self, *, is_reset: bool) -> None:
        self.close_connection = True
        if is_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
            self.connection.close()
        else:
            self.server.over.wait(_LOST_S)

    def log_message(self, *_: object) -> None:
        """Silent: the campaign's log tells what was asked."""
