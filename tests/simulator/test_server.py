"""The world on a loopback port, through real sockets."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.server import WorldServer, serve
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World, WorldAnswer, WorldRequest
from tests.support.world_caller import CONVERSATIONS, TWILIO, dial_body

PATIENCE_S = 20.0
KEY = {"xi-api-key": "sandbox"}


@pytest.fixture
def world() -> World:
    return World(SystemClock(), seed=1)


@pytest.fixture
def server(world: World) -> Iterator[WorldServer]:
    with closing(serve(world)) as running:
        yield running


def connect(server: WorldServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)


def ask(
    line: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> tuple[int, Any]:
    raw = None if body is None else json.dumps(body)
    line.request(method, path, body=raw, headers=KEY)
    answer = line.getresponse()
    return answer.status, json.loads(answer.read())


def failing(*faults: Fault) -> World:
    return World(SystemClock(), seed=1, faults=FaultPlan(faults))


def test_call_is_placed_and_read_on_one_kept_alive_line(server: WorldServer, world: World) -> None:
    with closing(connect(server)) as line:
        status, placed = ask(line, "POST", TWILIO, dial_body())
        first = line.sock
        assert status == 200
        status, call = ask(line, "GET", f"{CONVERSATIONS}/{placed['conversation_id']}")
        assert (status, call["status"]) == (200, "initiated")
        assert line.sock is first
    assert world.calls_to("+12025550101") == 1


def test_header_names_have_no_case(server: WorldServer) -> None:
    with closing(connect(server)) as line:
        line.request("GET", CONVERSATIONS, headers={"XI-API-KEY": "sandbox"})
        assert line.getresponse().status == 200


def test_many_clients_at_once_are_each_answered(server: WorldServer, world: World) -> None:
    together = threading.Barrier(16)

    def dial(n: int) -> None:
        with closing(connect(server)) as line:
            together.wait(PATIENCE_S)
            for k in range(5):
                ask(line, "POST", TWILIO, dial_body(f"+1202555{n:02d}{k:02d}"))

    threads = [threading.Thread(target=dial, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len({dial.to_number for dial in world.dials}) == len(world.dials) == 80


def test_port_that_is_taken_is_refused_with_a_way_out(server: WorldServer, world: World) -> None:
    with pytest.raises(InputError, match=f"port {server.port} cannot be used") as refused:
        serve(world, port=server.port)
    assert "free one" in refused.value.hint


def test_port_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(InputError, match="port 99999 cannot be used"):
        serve(world, port=99999)


def test_only_this_machine_is_served(server: WorldServer) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}"
    with socket.socket() as line, pytest.raises(ConnectionRefusedError):
        line.connect(("127.0.0.2", server.port))


def test_dial_whose_line_is_reset_was_placed() -> None:
    world = failing(Fault("elevenlabs", FaultKind.RESET_AFTER))
    with closing(serve(world)) as server, closing(connect(server)) as line:
        with pytest.raises(ConnectionResetError):
            ask(line, "POST", TWILIO, dial_body())
        assert world.calls_to("+12025550101") == 1


class HeardWorld(World):
    """Tells when it has carried out a request."""

    def __init__(self, kind: FaultKind) -> None:
        super().__init__(SystemClock(), seed=1, faults=FaultPlan([Fault("elevenlabs", kind)]))
        self.has_heard = threading.Event()

    def handle(self, request: WorldRequest) -> WorldAnswer:
        try:
            return super().handle(request)
        finally:
            self.has_heard.set()


@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT, FaultKind.SLOW])
def test_dial_that_waits_for_its_answer_was_placed_and_closing_frees_it(kind: FaultKind) -> None:
    world, ended = HeardWorld(kind), list[BaseException]()
    server = serve(world)

    def dial() -> None:
        with closing(connect(server)) as line:
            try:
                ask(line, "POST", TWILIO, dial_body())
            except (OSError, http.client.HTTPException) as error:
                ended.append(error)

    caller = threading.Thread(target=dial)
    caller.start()
    assert world.has_heard.wait(PATIENCE_S)
    assert world.calls_to("+12025550101") == 1
    server.close()
    caller.join(PATIENCE_S)
    assert [isinstance(error, ConnectionError) for error in ended] == [True]


def test_slow_answer_comes_on_the_worlds_clock() -> None:
    clock = VirtualClock(datetime(2026, 11, 23, 18, 0, tzinfo=UTC), speed=1000)
    plan = FaultPlan([Fault("elevenlabs", FaultKind.SLOW)])
    with closing(serve(World(clock, seed=1, faults=plan))) as server:
        began_s = time.monotonic()
        with closing(connect(server)) as line:
            assert ask(line, "POST", TWILIO, dial_body())[0] == 200
    assert 0.015 < time.monotonic() - began_s < 20, "20 s of the world's"


def test_fault_by_status_comes_over_the_line() -> None:
    world = failing(Fault("elevenlabs", FaultKind.UNAVAILABLE, to_request=3))
    with closing(serve(world)) as server, closing(connect(server)) as line:
        statuses = [ask(line, "POST", TWILIO, dial_body())[0] for _ in range(4)]
    assert statuses == [503, 503, 503, 200]


def test_closed_server_answers_nobody_not_even_on_an_open_line(world: World) -> None:
    server = serve(world)
    line = connect(server)
    ask(line, "GET", CONVERSATIONS)
    server.close()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        line.auto_open = 0
        ask(line, "GET", CONVERSATIONS)
    line.close()
    with closing(connect(server)) as another, pytest.raises(ConnectionRefusedError):
        ask(another, "GET", CONVERSATIONS)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 2000000", 413),
        (b"Content-Length: many", 411),
        (b"Content-Length: -1", 411),
        (b"Transfer-Encoding: chunked", 411),
    ],
)
def test_body_that_cannot_be_read_ends_the_line(
    server: WorldServer, world: World, head: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as line:
        line.sendall(b"POST " + TWILIO.encode() + b" HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert world.dials == []


def test_client_that_goes_away_harms_nobody(
    server: WorldServer, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(b"POST " + TWILIO.encode() + b" HTTP/1.1\r\nContent-Length: 99\r\n\r\n{")
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
    with closing(connect(server)) as line:
        assert ask(line, "GET", CONVERSATIONS)[0] == 200
    assert capfd.readouterr() == ("", "")
