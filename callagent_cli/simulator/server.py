"""The same world on a loopback port, where any client can talk to it."""

import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from callagent_cli.domain.errors import InputError
from callagent_cli.simulator.world import AnswerLost, World, WorldRequest

_MAX_BODY = 1_000_000
_LOST_S = 120.0  # how long an answer that never comes keeps its line open


class WorldServer:
    """Serves until closed. Loopback only."""

    def __init__(self, world: World, port: int) -> None:
        handler = type("Handler", (_Handler,), {"world": world, "over": threading.Event()})
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used: {error.strerror}",
                hint="choose another, or leave it out for a free one",
            ) from None
        self._server.daemon_threads = True
        self._over: threading.Event = handler.over  # type: ignore[attr-defined]  # set above
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(world: World, *, port: int = 0) -> WorldServer:
    """port 0: any free one."""
    return WorldServer(world, port)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: ClassVar[World]
    over: ClassVar[threading.Event]

    def _answer(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY)
        request = WorldRequest(
            method=self.command,
            url=self.path,
            # HTTP header names have no case; the world spells them small
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        try:
            answer = self.world.handle(request)
        except AnswerLost as lost:
            self._lose(is_reset=lost.is_reset)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer

    def _lose(self, *, is_reset: bool) -> None:
        self.close_connection = True
        if is_reset:
            linger = struct.pack("ii", 1, 0)  # close with RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        else:
            self.over.wait(_LOST_S)

    def log_message(self, *_: object) -> None:
        """Silent: the campaign's log tells what was asked."""
