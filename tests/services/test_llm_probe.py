"""Whether the LLM is well, as far as that shows for free."""

from collections.abc import Iterator
from typing import Any

import pytest

from callagent_cli.domain.health import HealthStatus
from tests.support.crm_server import LOST, CrmServer, Reply
from tests.support.llm import (
    CANARY,
    KEY,
    MODEL,
    MODELS,
    error_reply,
    examples,
    llm_server,
    writer_at,
)

OK, DEGRADED = HealthStatus.OK, HealthStatus.DEGRADED
DOWN, MISCONFIGURED = HealthStatus.DOWN, HealthStatus.MISCONFIGURED
NO_ROUTE = Reply(404, {"detail": "Not Found"})


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with llm_server() as running:
        yield running


def _listing(*ids: str) -> Reply:
    return Reply(body={"object": "list", "data": [{"id": one} for one in ids]})


def test_a_model_that_is_there_is_well_and_money_is_unproven(server: CrmServer) -> None:
    server.on(MODEL, Reply(body=examples("/models/{model}", "200")["m"]))
    health = writer_at(server.url).probe()
    assert (health.service, health.status) == ("llm", OK)
    assert "money left is unproven" in health.detail
    assert server.lines == [MODEL]


@pytest.mark.parametrize(
    ("one", "every", "status"),
    [
        (NO_ROUTE, _listing("gpt-x", "b"), OK),
        (Reply(405), _listing("gpt-x"), OK),
        (error_reply(404, "model_not_found"), _listing("b"), MISCONFIGURED),
        (NO_ROUTE, _listing(), MISCONFIGURED),
        (NO_ROUTE, NO_ROUTE, DEGRADED),
        (Reply(405), Reply(405), DEGRADED),
        (NO_ROUTE, Reply(body={"models": []}), DEGRADED),
        (NO_ROUTE, Reply(body={"data": [None, "gpt-x", {}]}), MISCONFIGURED),
        (NO_ROUTE, Reply(503), DOWN),
        (NO_ROUTE, Reply(401), MISCONFIGURED),
    ],
)
def test_where_one_model_cannot_be_asked_for_the_list_is_read(
    one: Reply, every: Reply, status: HealthStatus, server: CrmServer
) -> None:
    server.on(MODEL, one)
    server.on(MODELS, every)
    health = writer_at(server.url).probe()
    assert health.status is status
    assert server.lines == [MODEL, MODELS]
    assert health.remedy or status is OK
    assert ("cannot check" in health.detail) == (status is DEGRADED)


@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        (error_reply(401, "invalid_api_key"), MISCONFIGURED, "LLM_API_KEY"),
        (error_reply(403, None), MISCONFIGURED, "LLM_API_KEY"),
        (error_reply(429, "insufficient_quota"), MISCONFIGURED, "top up"),
        (error_reply(429, "rate_limit_exceeded"), DEGRADED, ""),
        (error_reply(500, None), DOWN, "by itself"),
        (Reply(302), MISCONFIGURED, "base_url"),
        (Reply(200, b"<html>welcome</html>"), DOWN, "base_url"),
        (Reply(200, {"error": {"code": 401}}), MISCONFIGURED, "LLM_API_KEY"),
        (Reply(200, []), DEGRADED, ""),
        (LOST, DOWN, ""),
    ],
)
def test_what_ails_it_is_told_with_the_remedy(
    answer: Reply, status: HealthStatus, word: str, server: CrmServer
) -> None:
    server.on(MODEL, answer)
    health = writer_at(server.url).probe()
    assert health.status is status
    assert word in health.remedy
    assert CANARY not in repr(health)
    assert KEY not in repr(health)


@pytest.mark.parametrize("confused", [400, 404])
def test_a_model_with_a_slash_is_asked_for_encoded(confused: int, server: CrmServer) -> None:
    server.on("GET /v1/models/org/x 1", Reply(confused, {"error": "no"}))
    server.on(MODELS, _listing("org/x 1"))
    settings: dict[str, Any] = {"model": "org/x 1"}
    assert writer_at(server.url, **settings).probe().status is OK
    assert server.requests[0].raw_path == "/v1/models/org%2Fx%201"


def test_nobody_there_is_down() -> None:
    with CrmServer() as gone:
        url = gone.url
    assert writer_at(url).probe().status is DOWN
