"""Requests against the vendor's contract, and what its conversations mean."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callagent_cli.domain.call import CannotTell, Disposition, Found, NotFound, Script, Ticket
from callagent_cli.domain.errors import TransientError
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.elevenlabs import ElevenLabs
from callagent_cli.services.elevenlabs_conversations import read_conversation
from callagent_cli.services.elevenlabs_preflight import check_agent, check_number
from tests.services.conftest import KEY
from tests.support.socket_server import SocketServer, reply

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contracts" / "elevenlabs.openapi.json").read_text()
)
At = Callable[[str], ElevenLabs]
PLACED = b'{"success": true, "message": "ok", "conversation_id": "conv_1", "callSid": "CA1"}'
CONVERSATION = "/v1/convai/conversations/{conversation_id}"


def _examples(path: str) -> dict[str, Any]:
    content = CONTRACT["paths"][path]["get"]["responses"]["200"]["content"]
    examples = content["application/json"]["examples"]
    return {name: example["value"] for name, example in examples.items()}


def _schema(path: str) -> dict[str, Any]:
    body = CONTRACT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return {**body["schema"], "components": CONTRACT["components"]}


@pytest.mark.parametrize("telephony", ["twilio", "sip_trunk"])
def test_the_dial_is_what_the_contract_wants(
    telephony: str, dialer_at: At, ticket: Ticket, script: Script
) -> None:
    with SocketServer([reply("200 OK", PLACED)]) as server:
        dialer = dialer_at(server.url)
        dialer._telephony = telephony
        dialer.place(ticket, script)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    path = head.split(b" ")[1].decode()
    sent = json.loads(body)
    jsonschema.Draft202012Validator(_schema(path)).validate(sent)
    data = sent["conversation_initiation_client_data"]
    assert data["user_id"] == ticket.attempt_id
    assert data["dynamic_variables"]["callagent_attempt_id"] == ticket.attempt_id
    assert data["dynamic_variables"]["name"] == "Ann"
    assert f"xi-api-key: {KEY}".encode() in head


EXPECTED = {
    "done": (True, Disposition.ANSWERED),
    "initiated": (True, Disposition.NO_ANSWER),  # the example is long past its ringing time
    "in_progress": (False, Disposition.UNKNOWN),
    "processing": (False, Disposition.UNKNOWN),
    "failed_missing_variable": (True, Disposition.FAILED),
    "failed_no_answer": (True, Disposition.NO_ANSWER),
    "voicemail": (True, Disposition.VOICEMAIL),
    "zombie": (True, Disposition.NO_ANSWER),
}


def test_every_example_of_the_contract_has_an_expectation() -> None:
    assert set(_examples(CONVERSATION)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_conversation_of_the_contract_is_understood(name: str) -> None:
    body = _examples(CONVERSATION)[name]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    read = read_conversation(body, now=now, ringing_timeout_s=60, max_call_s=600)
    assert (read.is_ended, read.disposition) == EXPECTED[name]
    assert read.is_config_error == (name == "failed_missing_variable")


def test_a_call_that_rings_is_not_over() -> None:
    body = _examples(CONVERSATION)["initiated"]
    began = body["metadata"]["start_time_unix_secs"]
    now = datetime.fromtimestamp(began + 20, UTC)
    read = read_conversation(body, now=now, ringing_timeout_s=60, max_call_s=600)
    assert (read.is_ended, read.phase) == (False, "ringing")


@pytest.mark.parametrize("body", [{}, {"status": "teleported"}, {"metadata": 5, "analysis": []}])
def test_words_that_nobody_knows_are_unknown_and_never_fail(body: dict[str, object]) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    read = read_conversation(body, now=now, ringing_timeout_s=60, max_call_s=600)
    assert read.disposition is Disposition.UNKNOWN


def test_text_of_the_provider_is_cleaned() -> None:
    body = _examples(CONVERSATION)["done"]
    body = json.loads(json.dumps(body))
    body["analysis"]["transcript_summary"] = "fine\x1b[31m\u202e bad"
    read = read_conversation(
        body, now=datetime(2026, 11, 23, tzinfo=UTC), ringing_timeout_s=60, max_call_s=600
    )
    assert "\x1b" not in read.summary
    assert "\u202e" not in read.summary


def _listed(*ids: str, has_more: bool = False) -> bytes:
    page = {
        "conversations": [{"conversation_id": each} for each in ids],
        "has_more": has_more,
        "next_cursor": "next" if has_more else None,
    }
    return json.dumps(page).encode()


def _conversation(attempt_id: str) -> bytes:
    variables = {"callagent_attempt_id": attempt_id}
    data = {"dynamic_variables": variables}
    return json.dumps({"status": "done", "conversation_initiation_client_data": data}).encode()


def test_a_lost_call_is_found_on_the_last_page(dialer_at: At, ticket: Ticket) -> None:
    bodies = (
        _listed("conv_a", has_more=True),
        _listed("conv_b"),
        _conversation("ca_somebody_else"),
        _conversation(ticket.attempt_id),
    )
    with SocketServer([reply("200 OK", body) for body in bodies]) as server:
        assert dialer_at(server.url).find(ticket) == Found(("conv_b",))
    assert b"user_id=ca_abcdefghijklmnopqrstuvwxyz" in server.requests[0]
    assert b"cursor=next" in server.requests[1]


def test_an_ignored_filter_finds_nobody_elses_call(dialer_at: At, ticket: Ticket) -> None:
    bodies = (_listed("conv_a"), _conversation("ca_somebody_else"))
    with SocketServer([reply("200 OK", body) for body in bodies]) as server:
        assert dialer_at(server.url).find(ticket) == NotFound()


@pytest.mark.parametrize(
    "listed",
    [_listed(*(f"conv_{n}" for n in range(80))), _listed("conv_a", has_more=True)],
    ids=["many", "endless"],
)
def test_a_list_that_is_too_long_proves_nothing(
    listed: bytes, dialer_at: At, ticket: Ticket
) -> None:
    with SocketServer([reply("200 OK", listed)]) as server:
        assert isinstance(dialer_at(server.url).find(ticket), CannotTell)


@pytest.mark.parametrize(
    "answer",
    [reply("500 Oops"), reply("200 OK", b"<html>"), reply("200 OK", b"{}")],
)
def test_a_list_that_cannot_be_read_is_an_error(
    answer: Callable[..., None], dialer_at: At, ticket: Ticket
) -> None:
    with SocketServer([answer]) as server, pytest.raises(TransientError):
        dialer_at(server.url).find(ticket)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply("200 OK", b"{}"), HealthStatus.OK),
        (
            reply("200 OK", b'{"platform_settings": {"archived": true}}'),
            HealthStatus.MISCONFIGURED,
        ),
        (
            reply("401 No", b'{"detail": {"status": "invalid_api_key"}}'),
            HealthStatus.MISCONFIGURED,
        ),
        (reply("401 No", b'{"detail": {"status": "quota_exceeded"}}'), HealthStatus.MISCONFIGURED),
        (reply("404 No", b"{}"), HealthStatus.MISCONFIGURED),
        (reply("429 Slow", b"{}"), HealthStatus.DEGRADED),
        (reply("503 Down"), HealthStatus.DOWN),
    ],
)
def test_a_probe_tells_down_from_misconfigured(
    answer: Callable[..., None], status: HealthStatus, dialer_at: At
) -> None:
    with SocketServer([answer]) as server:
        assert dialer_at(server.url).probe().status is status


def _agent(**agent: object) -> dict[str, object]:
    return {"conversation_config": {"agent": agent}}


def test_a_placeholder_without_column_or_default_blocks_the_run() -> None:
    body = _agent(
        first_message="Hello {{name}}, about {{ order_no }} and {{system__time}}",
        dynamic_variables={"dynamic_variable_placeholders": {"order_no": "0"}},
        prompt={"prompt": "Be kind to {{name}} of {{shop}}"},
    )
    (finding,) = [found for found in check_agent(body, ["name"]) if found.is_blocking]
    assert "shop" in finding.what
    assert "order_no" not in finding.what
    assert "system__time" not in finding.what


def test_the_wrong_telephony_is_named_with_the_right_one() -> None:
    numbers = [{"phone_number_id": "phnum_1", "provider": "sip_trunk"}]
    (finding,) = check_number(numbers, "phnum_1", "twilio")
    assert finding.is_blocking
    assert "telephony: sip_trunk" in finding.fix


def test_an_unknown_number_lists_the_known_ones() -> None:
    (finding,) = check_number([{"phone_number_id": "phnum_9"}], "phnum_1", "twilio")
    assert "phnum_9" in finding.fix
