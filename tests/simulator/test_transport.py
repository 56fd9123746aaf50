"""The world behind a real `requests` session: answers, lost answers and time as over a socket."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from urllib3.exceptions import ProtocolError

from callagent_cli.domain.errors import AmbiguousError, TransientError
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World
from tests.support.world_caller import CONVERSATIONS, TWILIO, client_data, dial_body

BASE = "https://sandbox.invalid"
KEY = {"XI-Api-Key": "sandbox"}  # header names have no case


class Line:
    def __init__(self, *faults: Fault, latency_s: float = 0.0) -> None:
        self.clock = VirtualClock(datetime(2026, 11, 23, 18, 0, tzinfo=UTC))
        self.world = World(self.clock, seed=1, faults=FaultPlan(faults), latency_s=latency_s)
        self.adapter = WorldAdapter(self.world, self.clock)
        self.session = requests.Session()
        self.session.mount("https://", self.adapter)

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        more.setdefault("timeout", (5, 90))
        return self.session.request(method, BASE + path, headers=KEY, **more)

    def dial(self, **more: Any) -> requests.Response:
        return self.send("POST", TWILIO, json=dial_body(), **more)

    def edge(self, read_s: float = 90.0) -> HttpSession:
        """The product's own HTTP edge on the same world."""
        return HttpSession(
            "elevenlabs",
            BASE,
            headers={"xi-api-key": "sandbox"},
            timeouts=Timeouts(read_s=read_s),
            clock=self.clock,
            adapter=self.adapter,
        )


def fault(kind: FaultKind, **more: Any) -> Fault:
    return Fault("elevenlabs", kind, **more)


def test_answer_is_a_response_in_full() -> None:
    response = Line().dial()
    assert response.status_code == 200
    assert response.ok
    assert response.json()["success"] is True
    assert response.headers["content-type"] == "application/json"
    assert response.request.method == "POST"
    assert response.url == BASE + TWILIO
    response.close()


def test_answer_can_be_streamed_and_read_raw() -> None:
    line = Line()
    pieces = list(line.dial(stream=True).iter_content(16))
    assert len(pieces) > 5
    assert b"conversation_id" in b"".join(pieces)
    raw = line.dial(stream=True).raw
    assert b"conversation_id" in raw.read()


def test_query_arrives_as_it_was_meant() -> None:
    line = Line()
    data = client_data("ca_1:x y&z")
    line.send("POST", TWILIO, json=dial_body(conversation_initiation_client_data=data))
    line.dial()
    listed = line.send("GET", CONVERSATIONS, params={"user_id": "ca_1:x y&z"}).json()
    assert len(listed["conversations"]) == 1


def test_error_status_is_an_answer_and_no_exception() -> None:
    response = Line(fault(FaultKind.UNAVAILABLE)).dial()
    assert response.status_code == 503
    assert response.json()["detail"]["message"] == "Service Unavailable"


def test_lost_answer_takes_the_read_timeout_and_the_phone_rang() -> None:
    line = Line(fault(FaultKind.TIMEOUT, to_request=1))
    with pytest.raises(requests.ReadTimeout):
        line.dial(timeout=(5, 90))
    assert line.clock.monotonic() == 90.0
    assert line.world.calls_to("+12025550101") == 1


@pytest.mark.parametrize(("timeout", "waited_s"), [(7, 7.0), ((5, None), 90.0), (None, 90.0)])
def test_lost_answer_ends_whatever_the_timeout_is(timeout: Any, waited_s: float) -> None:
    line = Line(fault(FaultKind.TIMEOUT))
    with pytest.raises(requests.ReadTimeout):
        line.dial(timeout=timeout)
    assert line.clock.monotonic() == waited_s


def test_reset_is_the_exception_that_a_socket_raises_and_the_phone_rang() -> None:
    line = Line(fault(FaultKind.RESET_AFTER))
    with pytest.raises(requests.ConnectionError) as dropped:
        line.dial()
    cause = dropped.value.args[0]
    assert isinstance(cause, ProtocolError)
    assert isinstance(cause.args[1], ConnectionResetError)
    assert line.world.calls_to("+12025550101") == 1
    assert line.clock.monotonic() == 0.0


def test_slow_answer_comes_if_one_waits_long_enough() -> None:
    line = Line(fault(FaultKind.SLOW))
    assert line.dial(timeout=(5, 90)).status_code == 200
    assert line.clock.monotonic() == 20.0
    with pytest.raises(requests.ReadTimeout):
        line.dial(timeout=(5, 8))
    assert line.clock.monotonic() == 28.0


def test_latency_passes_on_the_clock() -> None:
    line = Line(latency_s=0.25)
    for _ in range(4):
        line.dial()
    assert line.clock.monotonic() == 1.0


def test_no_latency_takes_no_time() -> None:
    line = Line()
    line.dial()
    assert line.clock.monotonic() == 0.0


@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT, FaultKind.RESET_AFTER])
def test_edge_sorts_a_lost_dial_as_in_doubt_and_a_lost_read_as_transient(kind: FaultKind) -> None:
    line = Line(fault(kind))
    with pytest.raises(AmbiguousError):
        line.edge().send("POST", TWILIO, json=dial_body(), is_repeatable=False)
    with pytest.raises(TransientError):
        line.edge().send("GET", CONVERSATIONS, is_repeatable=True)


def test_edge_measures_time_on_the_clock() -> None:
    answer = Line(latency_s=0.5).edge().send("GET", CONVERSATIONS, is_repeatable=True)
    assert answer.elapsed_s == 0.5
    assert answer.json() == {"conversations": [], "next_cursor": None, "has_more": False}


def test_edge_hands_over_garbage_that_is_no_json() -> None:
    line = Line(fault(FaultKind.GARBAGE))
    answer = line.edge().send("POST", TWILIO, json=dial_body(), is_repeatable=False)
    assert answer.status == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert line.world.calls_to("+12025550101") == 1
