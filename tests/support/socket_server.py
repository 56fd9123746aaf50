"""A server that does to a connection what no HTTP library would: one script for each."""

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

Script = Callable[[socket.socket, threading.Event], None]


def read_request(line: socket.socket) -> bytes:
    """Head and body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(h.split(b":")[1])
            for h in head.split(b"\r\n")
            if h.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


class SocketServer:
    """Each connection runs the next script; the last one repeats. Loopback only."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts, self.connections = list(scripts), 0
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "SocketServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            threading.Thread(target=self._serve, args=(script, line), daemon=True).start()

    def _serve(self, script: Script, line: socket.socket) -> None:
        with line:
            try:
                script(_Recording(line, self.requests), self.over)
            except OSError:
                return  # the client has gone, as some tests want


class _Recording(socket.socket):
    """A socket that notes the requests read from it."""

    def __init__(self, line: socket.socket, requests: list[bytes]) -> None:
        super().__init__(fileno=line.detach())
        self.requests = requests


def reply(
    status: str, body: bytes = b"", headers: str = "", *, length: int | None = None
) -> Script:
    """Answer one request and close."""

    def script(line: socket.socket, over: threading.Event) -> None:
        del over
        _note(line)
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}Connection: close\r\n\r\n"
        line.sendall(head.encode() + body)

    return script


def raw(data: bytes) -> Script:
    def script(line: socket.socket, over: threading.Event) -> None:
        del over
        _note(line)
        line.sendall(data)

    return script


def silence(line: socket.socket, over: threading.Event) -> None:
    """Take the request and never answer."""
    _note(line)
    over.wait(30)


def reset_after_reading(line: socket.socket, over: threading.Event) -> None:
    del over
    _note(line)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_before_reading(line: socket.socket, over: threading.Event) -> None:
    del over
    line.recv(1, socket.MSG_PEEK)  # it has come: an earlier reset would fail the connecting itself
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(data: bytes, every_s: float) -> Script:
    """Send one byte at a time, slower than anybody's patience in all, never than a read's."""

    def script(line: socket.socket, over: threading.Event) -> None:
        _note(line)
        for byte in data:
            if over.wait(every_s):
                return
            line.sendall(bytes([byte]))

    return script


def _note(line: socket.socket) -> None:
    request = read_request(line)
    if isinstance(line, _Recording):
        line.requests.append(request)
