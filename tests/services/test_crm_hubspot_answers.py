"""What each answer of HubSpot's means, and what an error may show of it."""

from collections.abc import Iterator

import pytest

from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.services.crm_hubspot import HubSpot
from tests.support.crm_server import CrmServer, Reply
from tests.support.hand_clock import HandClock
from tests.support.hubspot import (
    CALLS,
    CANARY,
    CONTACT,
    KEY,
    NOW,
    ONE,
    PATCH,
    SEARCH,
    Make,
    example,
    hubspot_server,
    limit,
    maker,
    owed,
    shown,
)


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with hubspot_server() as running:
        yield running


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture
def make(server: CrmServer, clock: HandClock) -> Make:
    return maker(server, clock)


SCOPES = {
    "category": "MISSING_SCOPES",
    "message": CANARY,
    "errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}],
}
REFUSED, QUOTA = RefusalKind.CREDENTIALS, RefusalKind.QUOTA
ROWS: list[tuple[int, object, type[ServiceError], RefusalKind | None]] = [
    (400, {"category": "VALIDATION_ERROR", "message": CANARY}, ContactError, None),
    (401, example("E401", "invalid"), ServiceRefused, REFUSED),
    (401, example("E401", "expired"), ServiceRefused, REFUSED),
    (402, b"", ServiceRefused, QUOTA),
    (403, SCOPES, ServiceRefused, REFUSED),
    (403, b"<html>blocked", ServiceRefused, REFUSED),
    (409, example("E409", "conflict"), ContactError, None),
    (410, b"", ContactError, None),
    (423, example("E423", "locked"), TransientError, None),
    (425, b"", TransientError, None),
    (429, example("E429", "ten_secondly"), ThrottledError, None),
    (429, example("E429", "secondly"), ThrottledError, None),
    (429, example("E429", "daily"), ServiceRefused, QUOTA),
    (429, b"", ThrottledError, None),
    (477, {"message": CANARY}, TransientError, None),
    (302, b"", ServiceRefused, RefusalKind.CONFIG),
]
BROKEN = [408, 500, 502, 503, 504, 521, 522, 523, 524]


@pytest.mark.parametrize("part", ["find", "properties", "engagement"])
@pytest.mark.parametrize(("status", "body", "kind", "refusal"), ROWS)
def test_each_answer_means_one_thing(
    status: int,
    body: object,
    kind: type[ServiceError],
    refusal: RefusalKind | None,
    part: str,
    make: Make,
    server: CrmServer,
) -> None:
    for line in (ONE, PATCH, CALLS):
        server.on(line, Reply(status, body))
    with pytest.raises(kind) as raised:
        _ask(make(write={"outcome": "disposition"}), part)
    assert raised.value.http_status == status
    assert getattr(raised.value, "kind", None) == refusal
    assert bool(raised.value.hint) or refusal is None
    assert CANARY not in shown(raised.value)
    assert KEY not in shown(raised.value)


def _ask(crm: HubSpot, part: str) -> None:
    if part == "find":
        crm.find(CONTACT)
    else:
        crm.deliver(owed(part))


@pytest.mark.parametrize("status", BROKEN)
def test_trouble_may_pass_but_for_the_call_which_may_be_there(
    status: int, make: Make, server: CrmServer
) -> None:
    for line in (ONE, PATCH, CALLS, SEARCH):
        server.on(line, Reply(status, b"<html>" + CANARY.encode()))
    crm = make(write={"outcome": "disposition"})
    for part in ("find", "properties"):
        with pytest.raises(TransientError):
            _ask(crm, part)
    with pytest.raises(TransientError):
        make(find_by=("phone",)).find(CONTACT)
    with pytest.raises(AmbiguousError) as unclear:
        _ask(crm, "engagement")
    assert CANARY not in shown(unclear.value)


def test_404_is_nobody_for_a_read_and_final_for_an_outcome(make: Make, server: CrmServer) -> None:
    crm = make(find_by=("id",), write={"outcome": "disposition"})
    assert crm.find(CONTACT) is None
    for part in ("properties", "engagement"):
        with pytest.raises(ContactError, match="404"):
            _ask(crm, part)


def test_a_search_path_that_is_not_there_is_the_settings_fault(
    make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, Reply(404, b"<html>"))
    with pytest.raises(ServiceRefused) as refused:
        make(find_by=("phone",)).find(CONTACT)
    assert "api_version" in refused.value.hint


@pytest.mark.parametrize(
    ("status", "body", "headers", "wait_s"),
    [
        (423, b"", {}, 2),
        (423, b"", {"Retry-After": "1"}, 2),
        (423, b"", {"Retry-After": "9"}, 9),
        (429, limit("SECONDLY"), {}, 1),
        (429, limit("TEN_SECONDLY_ROLLING"), {}, 10),
        (429, limit("TEN_SECONDLY_ROLLING"), {"Retry-After": "3"}, 3),
        (429, limit("SOMETHING_NEW"), {}, None),
        (477, b"", {"Retry-After": "7200"}, 7200),
        (477, b"", {"Retry-After": "9999999"}, 86400),
        (477, b"", {}, 3600),
        (503, b"", {"Retry-After": "Mon, 23 Nov 2026 15:00:30 GMT"}, 30),
        (503, b"", {"Retry-After": "soon"}, None),
    ],
)
def test_how_long_to_wait_is_taken_from_the_answer(
    status: int,
    body: object,
    headers: dict[str, str],
    wait_s: float | None,
    make: Make,
    server: CrmServer,
) -> None:
    server.on(PATCH, Reply(status, body, headers))
    with pytest.raises(ServiceError) as raised:
        make(write={"outcome": "disposition"}).deliver(owed("properties"))
    assert raised.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (limit("DAILY"), {"Retry-After": "1"}),
        (b"", {"X-HubSpot-RateLimit-Daily-Remaining": "0"}),
    ],
)
def test_the_days_limit_stands_until_midnight_of_the_account(
    body: object, headers: dict[str, str], make: Make, server: CrmServer
) -> None:
    server.on(PATCH, Reply(429, body, headers))
    with pytest.raises(ServiceRefused) as refused:
        make(write={"outcome": "disposition"}).deliver(owed("properties"))
    assert refused.value.kind is RefusalKind.QUOTA
    assert "until midnight in the time zone of the HubSpot account" in refused.value.hint


def test_a_missing_scope_and_the_correlation_id_are_named(make: Make, server: CrmServer) -> None:
    server.on(PATCH, Reply(403, {**SCOPES, "correlationId": "c93e06a4-7d61"}))
    with pytest.raises(ServiceRefused, match="c93e06a4-7d61") as refused:
        make(write={"outcome": "disposition"}).deliver(owed("properties"))
    assert refused.value.hint.endswith("crm.objects.contacts.write")


@pytest.mark.parametrize(
    ("body", "name", "remedy"),
    [
        (example("E400", "unknown_property"), "callagent_status", "create it in HubSpot"),
        (example("E400", "invalid_option"), "hs_lead_status", "options"),
        (
            {"errors": [{"code": "READ_ONLY_VALUE", "context": {"propertyName": ["cost"]}}]},
            "cost",
            "cannot be written",
        ),
        ({"errors": [{"message": CANARY, "code": "INVALID_DATE", "in": "cost"}]}, "cost", "type"),
    ],
)
def test_a_property_that_is_not_taken_is_named_with_its_remedy(
    body: object, name: str, remedy: str, make: Make, server: CrmServer
) -> None:
    server.on(PATCH, Reply(400, body))
    write = {
        "callagent_status": "disposition",
        "hs_lead_status": "disposition",
        "cost": "cost_usd",
    }
    with pytest.raises(ContactError, match=f"property '{name}'") as raised:
        make(write=write).deliver(owed("properties"))
    assert remedy in raised.value.message
    assert CANARY not in shown(raised.value)


def test_only_names_of_our_own_are_taken_from_an_error(make: Make, server: CrmServer) -> None:
    errors = [{"code": "X", "in": CANARY, "context": {"propertyName": [CANARY]}}, CANARY, None]
    server.on(PATCH, Reply(400, {"errors": errors, "category": CANARY + " ", "context": 7}))
    with pytest.raises(ContactError) as raised:
        make(write={"outcome": "disposition"}).deliver(owed("properties"))
    assert CANARY not in shown(raised.value)
