"""The vendor's own client library talks to the world as to the vendor."""

import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.server import serve
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import World

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the client leaves its lines open
]
TO = "+12025550102"  # picks up


@pytest.fixture(scope="module")
def client_class() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from elevenlabs import ElevenLabs  # it comes with the tests' own packages
    return ElevenLabs


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 11, 23, 18, 0, tzinfo=UTC))


@pytest.fixture
def world(clock: VirtualClock) -> World:
    return World(clock, seed=1)


@pytest.fixture
def agents(client_class: Any, world: World) -> Iterator[Any]:
    with closing(serve(world)) as server:
        client = client_class(api_key=world.api_key, base_url=server.url, timeout=20)
        yield client.conversational_ai


def dial(agents: Any, world: World, **more: Any) -> Any:
    return agents.twilio.outbound_call(
        agent_id=world.agent_id,
        agent_phone_number_id=world.phone_number_id,
        to_number=TO,
        **more,
    )


def test_it_places_a_call_and_reads_it_to_its_end(
    agents: Any, world: World, clock: VirtualClock
) -> None:
    data = {"user_id": "ca_1", "dynamic_variables": {"callagent_attempt_id": "ca_1"}}
    placed = dial(agents, world, conversation_initiation_client_data=data)
    assert placed.success
    assert placed.call_sid
    assert world.calls_to(TO) == 1
    call = agents.conversations.get(placed.conversation_id)
    assert call.status == "initiated"
    assert call.user_id == "ca_1"
    assert call.conversation_initiation_client_data.dynamic_variables == data["dynamic_variables"]
    assert call.metadata.phone_call.external_number == TO
    clock.signal().wait(600)
    call = agents.conversations.get(placed.conversation_id)
    assert call.status == "done"
    assert call.analysis.transcript_summary


def test_it_finds_the_call_in_the_list(agents: Any, world: World) -> None:
    for attempt_id in ("ca_1", "ca_2"):
        dial(agents, world, conversation_initiation_client_data={"user_id": attempt_id})
    listed = agents.conversations.list(user_id="ca_2", agent_id=world.agent_id)
    assert len(listed.conversations) == 1
    assert listed.has_more is False
    assert len(agents.conversations.list().conversations) == 2


def test_it_reads_agent_and_numbers(agents: Any, world: World) -> None:
    agent = agents.agents.get(world.agent_id)
    assert agent.name == "Sandbox agent"
    (number,) = agents.phone_numbers.list()
    assert (number.phone_number_id, number.provider) == (world.phone_number_id, "twilio")


def test_it_dials_by_sip_trunk(agents: Any, world: World) -> None:
    placed = agents.sip_trunk.outbound_call(
        agent_id=world.agent_id,
        agent_phone_number_id=world.phone_number_id,
        to_number=TO,
    )
    assert placed.sip_call_id
    call = agents.conversations.get(placed.conversation_id)
    assert call.metadata.phone_call.type == "sip_trunking"


def test_wrong_key_is_told_as_401(client_class: Any, world: World) -> None:
    with closing(serve(world)) as server:
        client = client_class(api_key="wrong", base_url=server.url, timeout=20)
        with pytest.raises(Exception, match="invalid_api_key") as told:
            dial(client.conversational_ai, world)
    assert getattr(told.value, "status_code", None) == 401
    assert world.calls_to(TO) == 0


def test_lost_answer_leaves_a_call_that_its_user_id_finds(
    client_class: Any, clock: VirtualClock
) -> None:
    plan = FaultPlan([Fault("elevenlabs", FaultKind.RESET_AFTER, to_request=1)])
    world = World(clock, seed=1, faults=plan)
    with closing(serve(world)) as server:
        client = client_class(api_key=world.api_key, base_url=server.url, timeout=20)
        agents = client.conversational_ai
        with pytest.raises(Exception, match=r"reset|disconnected"):
            dial(
                agents,
                world,
                conversation_initiation_client_data={"user_id": "ca_9"},
                request_options={"max_retries": 0},
            )
        listed = agents.conversations.list(user_id="ca_9")
    assert len(listed.conversations) == 1
