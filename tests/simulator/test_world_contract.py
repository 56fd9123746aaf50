"""Every answer of the world is one that the vendor's contract allows."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World
from tests.support.world_caller import (
    CONVERSATIONS,
    SIP,
    TWILIO,
    Reply,
    WorldCaller,
    client_data,
    dial_body,
)

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contracts" / "elevenlabs.openapi.json").read_text()
)


def check(reply: Reply, path: str, method: str = "get") -> None:
    answers = CONTRACT["paths"][path][method]["responses"]
    answer = answers[str(reply.status)]
    if "$ref" in answer:
        answer = CONTRACT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer["content"]["application/json"]["schema"]
    whole = {**schema, "components": CONTRACT["components"]}
    jsonschema.Draft202012Validator(whole).validate(reply.body)


@pytest.mark.parametrize("path", [TWILIO, SIP])
def test_dials(caller: WorldCaller, path: str) -> None:
    data = client_data("ca_1", callagent_attempt_id="ca_1")
    check(
        caller.ask("POST", path, dial_body(conversation_initiation_client_data=data)), path, "post"
    )
    check(caller.ask("POST", path, {}), path, "post")
    check(caller.ask("POST", path, dial_body(agent_id="agent_x")), path, "post")
    check(caller.ask("POST", path, dial_body(), key="wrong"), path, "post")
    check(caller.ask("POST", path, dial_body(), key=None), path, "post")


@pytest.mark.parametrize("path", [TWILIO, SIP])
def test_conversations_at_every_moment(
    caller: WorldCaller, clock: VirtualClock, path: str
) -> None:
    ids = [caller.place(f"+1202555{k:04d}", path) for k in range(100)]
    statuses, results = set(), set()
    for pause_s in (0, 5, 10, 10, 30, 25, 3, 3600):
        clock.signal().wait(pause_s)
        check(caller.ask("GET", f"{CONVERSATIONS}?page_size=100"), CONVERSATIONS)
        for conversation_id in ids:
            reply = caller.ask("GET", f"{CONVERSATIONS}/{conversation_id}")
            check(reply, f"{CONVERSATIONS}/{{conversation_id}}")
            statuses.add(reply.body["status"])
            results.add(reply.body["metadata"]["phone_call"]["call_result"])
    assert statuses == {"initiated", "in-progress", "processing", "done", "failed"}
    assert results == {None, "answered", "voicemail", "busy", "failed"}


def test_call_of_an_earlier_world(caller: WorldCaller, clock: VirtualClock) -> None:
    call = caller.place()
    anew = WorldCaller(World(clock, seed=2))
    check(anew.ask("GET", f"{CONVERSATIONS}/{call}"), f"{CONVERSATIONS}/{{conversation_id}}")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/v1/convai/agents/agent_sandbox", "/v1/convai/agents/{agent_id}"),
        ("/v1/convai/agents/agent_other", "/v1/convai/agents/{agent_id}"),
        ("/v1/convai/phone-numbers", "/v1/convai/phone-numbers"),
        ("/v1/convai/analytics/live-count", "/v1/convai/analytics/live-count"),
        ("/v1/user/subscription", "/v1/user/subscription"),
        (f"{CONVERSATIONS}/conv_unknown", f"{CONVERSATIONS}/{{conversation_id}}"),
        (f"{CONVERSATIONS}?page_size=0", CONVERSATIONS),
    ],
)
def test_other_reads(caller: WorldCaller, url: str, path: str) -> None:
    check(caller.ask("GET", url), path)
    check(caller.ask("GET", url, key="wrong"), path)


@pytest.mark.parametrize("kind", ["503", "429", "401", "quota"])
def test_refusals(clock: VirtualClock, kind: str) -> None:
    plan = FaultPlan([Fault("elevenlabs", FaultKind(kind))])
    caller = WorldCaller(World(clock, seed=1, faults=plan))
    check(caller.ask("POST", TWILIO, dial_body()), TWILIO, "post")
    check(caller.ask("GET", CONVERSATIONS), CONVERSATIONS)


def test_the_check_finds_what_is_wrong() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(Reply(200, {"conversations": []}, 0.0), CONVERSATIONS)
