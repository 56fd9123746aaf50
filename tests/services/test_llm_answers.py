"""What the errors of an OpenAI-compatible service mean, in every shape they come in."""

from collections.abc import Iterator

import pytest

from callagent_cli.domain.errors import (
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    TransientError,
    UselessAnswer,
)
from tests.support.crm_server import LOST, CrmServer, Reply
from tests.support.llm import (
    CANARY,
    CHAT,
    FACTS,
    KEY,
    NUMBER,
    completion,
    error_reply,
    examples,
    llm_server,
    shown,
    writer_at,
)

QUOTA, CREDENTIALS, CONFIG = RefusalKind.QUOTA, RefusalKind.CREDENTIALS, RefusalKind.CONFIG


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with llm_server() as running:
        yield running


def _error(server: CrmServer, answer: Reply) -> ServiceError:
    """What one request raises; it shows nothing that the answer or the request held."""
    server.on(CHAT, answer)
    with pytest.raises(ServiceError) as caught:
        writer_at(server.url).write({**FACTS, "note": NUMBER})
    assert len(server.requests) == 1
    for secret in (KEY, CANARY, NUMBER, "Greet the contact", "appointment"):
        assert secret not in shown(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "insufficient_quota", QUOTA),
        (429, "credit_balance_exhausted", QUOTA),
        (429, "organization_spend_limit_exceeded", QUOTA),
        (429, "project_spend_limit_exceeded", QUOTA),
        (429, "organization_usage_limit_exceeded", QUOTA),
        (403, "insufficient_quota", QUOTA),
        (402, None, QUOTA),
        (401, "invalid_api_key", CREDENTIALS),
        (401, None, CREDENTIALS),
        (400, "invalid_api_key", CREDENTIALS),
        (403, None, CREDENTIALS),
        (403, "unsupported_country_region_territory", CONFIG),
        (404, "model_not_found", CONFIG),
        (403, "model_not_found", CONFIG),
        (404, None, CONFIG),
        (405, None, CONFIG),
        (400, "unsupported_parameter", CONFIG),
        (400, "unsupported_value", CONFIG),
        (307, None, CONFIG),
    ],
)
def test_what_a_person_must_mend_is_refused(
    status: int, code: str | None, kind: RefusalKind, server: CrmServer
) -> None:
    error = _error(server, error_reply(status, code))
    assert isinstance(error, ServiceRefused)
    assert (error.kind, error.http_status, error.code) == (kind, status, code or "")
    assert error.hint


def test_a_spent_budget_may_stand_in_the_type_alone(server: CrmServer) -> None:
    error = _error(server, error_reply(429, None, "insufficient_quota"))
    assert isinstance(error, ServiceRefused)
    assert error.kind is QUOTA


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "rate_limit_exceeded"),
        (429, "slow_down"),
        (429, 429),
        (429, None),
        (408, None),
        (500, "server_error"),
        (502, None),
        (503, "server_is_overloaded"),
        (504, None),
        (529, "overloaded_error"),
    ],
)
def test_what_passes_by_itself_is_transient(status: int, code: object, server: CrmServer) -> None:
    error = _error(server, error_reply(status, code, "service_unavailable_error"))
    assert isinstance(error, TransientError)
    assert (error.http_status, error.retry_after_s) == (status, None)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "1500", "Retry_After": "7"}, 1.5),
        ({"Retry_After": "Mon, 23 Nov 2026 15:00:20 GMT"}, 20.0),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-1"}, None),
        ({"Retry_After": "9999999"}, 86400.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_it_asks_for_is_heard(
    status: int, headers: dict[str, str], wait_s: float | None, server: CrmServer
) -> None:
    assert _error(server, error_reply(status, None, None, **headers)).retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"code": "context_length_exceeded", "message": CANARY}}),
        (400, {"error": {"code": None, "message": "maximum Context Length is 4096 max_tokens"}}),
        (400, {"object": "error", "message": "maximum context length is 5", "code": 400}),
        (413, {"detail": "context length"}),
        (400, {"error": {"code": "invalid_request_error", "message": CANARY}}),
        (400, {"error": CANARY}),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": CANARY, "input": "max_tokens"}]}),
        (418, b""),
    ],
)
def test_what_only_this_contact_s_request_met_is_its_own(
    status: int, body: object, server: CrmServer
) -> None:
    error = _error(server, Reply(status, body))
    assert type(error) is ContactError


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"param": "max_tokens", "message": "not supported", "code": None}}),
        (400, {"error": "Unrecognized request argument supplied: max_completion_tokens"}),
        (400, {"message": "max_completion_tokens is not a field", "code": "400"}),
        (422, {"detail": [{"loc": ["body", "max_completion_tokens"], "msg": "Extra inputs"}]}),
        (422, {"detail": "unknown field max_tokens"}),
        (400, {"error": {"param": "temperature", "message": "only 1 is supported"}}),
    ],
)
def test_a_parameter_that_it_does_not_take_names_the_setting(
    status: int, body: object, server: CrmServer
) -> None:
    error = _error(server, Reply(status, body))
    assert isinstance(error, ServiceRefused)
    assert error.kind is CONFIG
    assert "services.llm.token_limit" in error.hint


SHAPES: list[object] = [
    {"error": CANARY},
    {"error": {"message": CANARY, "code": None, "type": None}},
    {"error": [{"message": CANARY}]},
    {"detail": CANARY},
    {"detail": {"message": CANARY}},
    {"detail": [CANARY]},
    {"message": CANARY},
    {"error": None, "message": CANARY},
    [CANARY],
    CANARY,
    None,
    f"<html>{CANARY}</html>".encode(),
    b"",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("body", SHAPES)
@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, ServiceRefused), (429, TransientError), (503, TransientError), (400, ContactError)],
)
def test_no_shape_of_an_error_hides_its_status(
    status: int, expected: type[ServiceError], body: object, server: CrmServer
) -> None:
    assert isinstance(_error(server, Reply(status, body)), expected)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (CANARY, TransientError),
        ({"message": CANARY}, TransientError),
        ({"message": CANARY, "code": 429}, TransientError),
        ({"message": CANARY, "code": "502"}, TransientError),
        ({"message": CANARY, "code": 401}, ServiceRefused),
        ({"message": CANARY, "code": "insufficient_quota"}, ServiceRefused),
        ({"message": CANARY, "code": "model_not_found"}, ServiceRefused),
        ({"message": CANARY, "type": "invalid_request_error"}, ContactError),
        ([CANARY], TransientError),
    ],
)
def test_an_error_that_comes_with_200_is_an_error(
    inside: object, expected: type[ServiceError], server: CrmServer
) -> None:
    error = _error(server, Reply(200, {**completion("Hello"), "error": inside}))
    assert isinstance(error, expected)
    assert not isinstance(error, UselessAnswer)


def test_an_empty_error_beside_an_answer_is_none(server: CrmServer) -> None:
    server.on(CHAT, Reply(body={**completion("Hello"), "error": None}))
    assert writer_at(server.url).write(FACTS).variables == {"opening_line": "Hello"}


@pytest.mark.parametrize("body", [b"<html>login</html>", b"", b"null", b'{"choices": ['])
def test_a_page_instead_of_json_may_pass(body: bytes, server: CrmServer) -> None:
    error = _error(server, Reply(200, body))
    assert isinstance(error, TransientError)
    assert "base_url" in error.hint


def test_a_lost_answer_may_be_asked_for_again(server: CrmServer) -> None:
    assert isinstance(_error(server, LOST), TransientError)


def test_a_code_that_is_no_code_is_not_shown(server: CrmServer) -> None:
    error = _error(server, error_reply(400, f"{KEY} {NUMBER}"))
    assert error.code == ""


EXPECTED: dict[str, dict[str, type[ServiceError]]] = {
    "400": {"invalid": ContactError, "context_length": ContactError},
    "401": {},
    "403": {},
    "404": {},
    "429": {"rate_limit_exceeded": TransientError, "slow_down": TransientError},
    "500": {"server_error": TransientError},
    "503": {"overloaded": TransientError},
}


@pytest.mark.parametrize(
    ("status", "which"),
    [(status, which) for status in EXPECTED for which in examples("/chat/completions", status)],
)
def test_the_contract_s_errors_are_understood(status: str, which: str, server: CrmServer) -> None:
    body = examples("/chat/completions", status)[which]
    error = _error(server, Reply(int(status), body))
    assert type(error) is EXPECTED[status].get(which, ServiceRefused)
