"""HubSpot as a CRM, against a server of the test's own; each request against its contract."""

import json
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ConfigError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.crm_hubspot import HubSpot
from callagent_cli.services.http_session import HttpSession, Timeouts
from tests.support.crm_server import LOST, CrmServer, Reply, Request
from tests.support.hand_clock import HandClock

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contracts" / "hubspot.openapi.json").read_text()
)
BASE = "/crm/objects/2026-09"
ONE = f"GET {BASE}/contacts/123"
LIST = f"GET {BASE}/contacts"
SEARCH = f"POST {BASE}/contacts/search"
PATCH = f"PATCH {BASE}/contacts/123"
CALLS = f"POST {BASE}/calls"
FIND_CALLS = f"POST {BASE}/calls/search"
PROPERTY = "GET /crm/properties/2026-09/contacts/"

KEY, CANARY, NUMBER = "canary-token-5512", "canary-body-7731", "+12025550123"
ATTEMPT = "ca_abcdefghijklmnopqrstuvwxyz"
CONTACT = Contact(id="123", phone=NUMBER, name="Ann", email="ann+x@example.com")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
Make = Callable[..., HubSpot]


def _check_against_contract(request: Request) -> None:
    # the contract leaves the search for calls out; it is the one for contacts, of another kind
    path = request.raw_path.replace("/calls/search", "/contacts/search")
    method = request.method.lower()
    operation = next(
        operations[method]
        for template, operations in CONTRACT["paths"].items()
        if method in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    )
    known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    assert set(request.query) <= known
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": CONTRACT["components"]}
        jsonschema.Draft202012Validator(whole).validate(request.json())


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with CrmServer() as running:
        yield running
    for request in running.requests:
        _check_against_contract(request)
        assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture
def make(server: CrmServer, clock: HandClock) -> Make:
    def build(**settings: Any) -> HubSpot:
        limits = Timeouts(connect_s=2, read_s=5, total_s=5)
        headers = {"Authorization": f"Bearer {KEY}"}
        session = HttpSession("crm", server.url, headers=headers, timeouts=limits, clock=clock)
        return HubSpot(session, **{"clock": clock, "read": {}, "write": {}, **settings})

    return build


def _person(crm_id: str = "123", /, **properties: str | None) -> dict[str, Any]:
    return {"id": crm_id, "properties": {"phone": NUMBER, **properties}}


def _found(*people: dict[str, Any], **more: object) -> Reply:
    return Reply(body={"total": len(people), "results": list(people), **more})


def _error(name: str, example: str) -> object:
    content = CONTRACT["components"]["responses"][name]["content"]["application/json"]
    return content["examples"][example]["value"]


def _record(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "attempt_id": ATTEMPT,
        "attempt_no": 2,
        "campaign": "spring",
        "contact_id": NUMBER,
        "phone": NUMBER,
        "name": "Ann",
        "email": "",
        "crm_id": "123",
        "conversation_id": "conv_1",
        "disposition": "answered",
        "started_at": datetime(2026, 11, 23, 14, 50, 0, 123999, tzinfo=UTC),
        "ended_at": datetime(2026, 11, 23, 14, 51, tzinfo=UTC),
        "duration_s": 42.5,
        "cost_usd": 0.08,
        "summary": "said <yes> & more",
        "error": "",
        "collected": {"slot": "Tuesday"},
    }
    return CallRecord(**{**fields, **changes})


def _owed(part: str, *, tries: int = 0, at: datetime = NOW, **changes: Any) -> list[Delivery]:
    payload = json.loads(json.dumps({"part": part, "record": _record(**changes).as_data()}))
    return [Delivery(f"{ATTEMPT}:{part}", payload, at, tries)]


def _shown(error: ServiceError) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + error.hint


# Who is it?


def test_a_contact_is_found_by_its_hubspot_id_and_read(make: Make, server: CrmServer) -> None:
    server.on(ONE, Reply(body=_person(firstname="Ann", city=None, plan="")))
    crm = make(read={"firstname": "first_name", "city": "town", "plan": "plan", "gone": "gone"})
    assert crm.find(CONTACT) == KnownPerson("123", {"first_name": "Ann"})
    assert server.lines == [ONE]
    assert {"firstname", "city", "plan"} <= set(server.requests[0].query["properties"].split(","))


def test_what_is_read_is_cleaned_and_bounded(make: Make, server: CrmServer) -> None:
    server.on(ONE, Reply(body=_person(note="a\x00\u202eb\n" + "x" * 900)))
    known = make(read={"note": "note"}).find(CONTACT)
    assert known is not None
    assert known.variables["note"].startswith("ab x")
    assert known.variables["note"].isprintable()
    assert len(known.variables["note"]) == 500


def test_an_id_that_is_only_the_number_is_not_asked_for(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, _found())
    assert make().find(Contact(id=NUMBER, phone=NUMBER)) is None
    assert server.lines == [SEARCH]


@pytest.mark.parametrize("own_id", ["c-17", "٣", "..", "1/2", ""])
def test_an_id_that_hubspot_cannot_have_is_not_asked_for(
    own_id: str, make: Make, server: CrmServer
) -> None:
    assert make(find_by=("id",)).find(Contact(id=own_id, phone=NUMBER)) is None
    assert server.requests == []


def test_a_unique_property_stands_in_for_hubspots_id(make: Make, server: CrmServer) -> None:
    server.on(f"GET {BASE}/contacts/c/17", Reply(body=_person("9", phone="+442079460018")))
    known = make(id_property="erp_id").find(Contact(id="c/17", phone=NUMBER))
    assert known == KnownPerson("9")
    assert server.requests[0].raw_path.endswith("/c%2F17")
    assert server.requests[0].query["idProperty"] == "erp_id"


def test_a_row_number_is_not_taken_for_somebody_elses_record(
    make: Make, server: CrmServer
) -> None:
    server.on(ONE, Reply(body=_person(phone="+12025550199", email="other@example.com")))
    server.on(SEARCH, _found(_person("77")))
    assert make().find(CONTACT) == KnownPerson("77")
    assert [line.split()[0] for line in server.lines] == ["GET", "GET", "POST"]


@pytest.mark.parametrize(
    "properties",
    [
        {"phone": "(202) 555-0123"},
        {"phone": "+12025550199", "mobilephone": NUMBER},
        {"phone": "+12025550199", "email": "ANN+X@example.com"},
        {"phone": None},
        {"phone": "ask Bob"},
    ],
)
def test_a_record_that_agrees_or_says_nothing_is_the_contacts_own(
    properties: dict[str, str | None], make: Make, server: CrmServer
) -> None:
    server.on(ONE, Reply(body=_person(**properties)))
    assert make(find_by=("id",)).find(CONTACT) == KnownPerson("123")


def test_an_email_is_asked_for_encoded(make: Make, server: CrmServer) -> None:
    server.on(f"GET {BASE}/contacts/ann+x@example.com", Reply(body=_person("5")))
    assert make().find(CONTACT) == KnownPerson("5")
    asked = server.requests[-1]
    assert asked.raw_path.endswith("/ann%2Bx%40example.com")
    assert asked.query["idProperty"] == "email"


@pytest.mark.parametrize("email", ["", ".", ".."])
def test_a_contact_without_an_email_is_not_asked_for_by_it(
    email: str, make: Make, server: CrmServer
) -> None:
    crm = make(find_by=("email",))
    assert crm.find(Contact(id=NUMBER, phone=NUMBER, email=email)) is None
    assert server.requests == []


@pytest.mark.parametrize(
    ("phone", "national", "hubspots"),
    [
        (NUMBER, "2025550123", {"phone": "202-555-0123"}),
        (NUMBER, "2025550123", {"phone": "", "mobilephone": "+1 202 555 0123"}),
        ("+442079460018", "2079460018", {"phone": "+44 (0)20 7946 0018"}),
        ("+390612345678", "0612345678", {"phone": "+39 06 1234 5678"}),
    ],
)
def test_a_number_is_searched_without_its_country_code_in_both_fields(
    phone: str, national: str, hubspots: dict[str, str], make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, _found(_person("8", **hubspots)))
    assert make().find(Contact(id=phone, phone=phone)) == KnownPerson("8")
    filters = [group["filters"] for group in server.requests[0].json()["filterGroups"]]
    assert [one["propertyName"] for (one,) in filters] == [
        "hs_searchable_calculated_phone_number",
        "hs_searchable_calculated_mobile_number",
    ]
    assert {(one["operator"], one["value"]) for (one,) in filters} == {("EQ", national)}


US = "+12079460018"
UK = "+442079460018"  # the same number without its code


@pytest.mark.parametrize(
    ("people", "crm_id"),
    [
        ([("1", UK)], None),
        ([("1", UK), ("2", US)], "2"),
        ([("1", "2079460018")], "1"),  # without a code it is the default region's
        ([("1", US), ("2", "(207) 946-0018")], None),
        ([("1", "no number"), ("2", "")], None),
        ([], None),
    ],
)
def test_a_collision_of_numbers_is_nobody_unless_one_is_meant(
    people: list[tuple[str, str]], crm_id: str | None, make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, _found(*(_person(one, phone=number) for one, number in people)))
    known = make().find(Contact(id=US, phone=US))
    assert (known.crm_id if known else None) == crm_id


def test_one_record_with_the_number_in_both_fields_is_one_person(
    make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, _found(_person("1", mobilephone=NUMBER)))
    assert make(find_by=("phone",)).find(CONTACT) == KnownPerson("1")


def test_more_candidates_than_a_page_are_nobody(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, _found(_person("1"), paging={"next": {"after": "100"}}))
    assert make(find_by=("phone",)).find(CONTACT) is None


def test_the_order_is_the_settings(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, _found())
    assert make(find_by=("phone", "email")).find(CONTACT) is None
    assert server.lines == [SEARCH, f"GET {BASE}/contacts/{CONTACT.email}"]


def test_nobody_is_asked_for_when_no_way_is_set(make: Make, server: CrmServer) -> None:
    assert make(find_by=()).find(CONTACT) is None
    assert server.requests == []


@pytest.mark.parametrize("version", ["v3", "2026-03"])
def test_the_version_stands_in_the_paths(version: str, make: Make, server: CrmServer) -> None:
    base = "/crm/v3/objects" if version == "v3" else f"/crm/objects/{version}"
    server.on(f"POST {base}/contacts/search", _found(_person("4")))
    server.on(f"PATCH {base}/contacts/4", Reply(body=_person("4")))
    crm = make(api_version=version, find_by=("phone",), write={"outcome": "disposition"})
    crm.deliver(_owed("properties", crm_id=""))
    assert server.lines == [f"POST {base}/contacts/search", f"PATCH {base}/contacts/4"]


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[1]", b"", b"[" * 100_000, {"properties": {}}, {"id": ".."}, {"id": None}],
)
def test_an_answer_that_is_no_contact_is_trouble_and_not_nobody(
    body: object, make: Make, server: CrmServer
) -> None:
    server.on(ONE, Reply(body=body))
    with pytest.raises(TransientError):
        make().find(CONTACT)


@pytest.mark.parametrize("body", [{}, {"results": None}])
def test_a_search_without_results_is_trouble_and_not_nobody(
    body: object, make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, Reply(body=body))
    with pytest.raises(TransientError):
        make(find_by=("phone",)).find(CONTACT)


# What an answer means


def _limit(policy: str) -> dict[str, str]:
    return {"status": "error", "message": CANARY, "errorType": "RATE_LIMIT", "policyName": policy}


SCOPES = {
    "category": "MISSING_SCOPES",
    "message": CANARY,
    "errors": [{"context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}],
}
REFUSED, QUOTA = RefusalKind.CREDENTIALS, RefusalKind.QUOTA
ROWS: list[tuple[int, object, type[ServiceError], RefusalKind | None]] = [
    (400, {"category": "VALIDATION_ERROR", "message": CANARY}, ContactError, None),
    (401, _error("E401", "invalid"), ServiceRefused, REFUSED),
    (401, _error("E401", "expired"), ServiceRefused, REFUSED),
    (402, b"", ServiceRefused, QUOTA),
    (403, SCOPES, ServiceRefused, REFUSED),
    (403, b"<html>blocked", ServiceRefused, REFUSED),
    (409, _error("E409", "conflict"), ContactError, None),
    (410, b"", ContactError, None),
    (423, _error("E423", "locked"), TransientError, None),
    (425, b"", TransientError, None),
    (429, _error("E429", "ten_secondly"), ThrottledError, None),
    (429, _error("E429", "secondly"), ThrottledError, None),
    (429, _error("E429", "daily"), ServiceRefused, QUOTA),
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
    assert CANARY not in _shown(raised.value)
    assert KEY not in _shown(raised.value)


def _ask(crm: HubSpot, part: str) -> None:
    if part == "find":
        crm.find(CONTACT)
    else:
        crm.deliver(_owed(part))


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
    assert CANARY not in _shown(unclear.value)


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
        (429, _limit("SECONDLY"), {}, 1),
        (429, _limit("TEN_SECONDLY_ROLLING"), {}, 10),
        (429, _limit("TEN_SECONDLY_ROLLING"), {"Retry-After": "3"}, 3),
        (429, _limit("SOMETHING_NEW"), {}, None),
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
        make(write={"outcome": "disposition"}).deliver(_owed("properties"))
    assert raised.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (_limit("DAILY"), {"Retry-After": "1"}),
        (b"", {"X-HubSpot-RateLimit-Daily-Remaining": "0"}),
    ],
)
def test_the_days_limit_stands_until_midnight_of_the_account(
    body: object, headers: dict[str, str], make: Make, server: CrmServer
) -> None:
    server.on(PATCH, Reply(429, body, headers))
    with pytest.raises(ServiceRefused) as refused:
        make(write={"outcome": "disposition"}).deliver(_owed("properties"))
    assert refused.value.kind is RefusalKind.QUOTA
    assert "until midnight in the time zone of the HubSpot account" in refused.value.hint


def test_a_missing_scope_and_the_correlation_id_are_named(make: Make, server: CrmServer) -> None:
    server.on(PATCH, Reply(403, {**SCOPES, "correlationId": "c93e06a4-7d61"}))
    with pytest.raises(ServiceRefused, match="c93e06a4-7d61") as refused:
        make(write={"outcome": "disposition"}).deliver(_owed("properties"))
    assert refused.value.hint.endswith("crm.objects.contacts.write")


@pytest.mark.parametrize(
    ("body", "name", "remedy"),
    [
        (_error("E400", "unknown_property"), "callagent_status", "create it in HubSpot"),
        (_error("E400", "invalid_option"), "hs_lead_status", "options"),
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
        make(write=write).deliver(_owed("properties"))
    assert remedy in raised.value.message
    assert CANARY not in _shown(raised.value)


def test_only_names_of_our_own_are_taken_from_an_error(make: Make, server: CrmServer) -> None:
    errors = [{"code": "X", "in": CANARY, "context": {"propertyName": [CANARY]}}, CANARY, None]
    server.on(PATCH, Reply(400, {"errors": errors, "category": CANARY + " ", "context": 7}))
    with pytest.raises(ContactError) as raised:
        make(write={"outcome": "disposition"}).deliver(_owed("properties"))
    assert CANARY not in _shown(raised.value)


# Telling the outcome


def test_properties_are_written_as_strings(make: Make, server: CrmServer) -> None:
    server.on(PATCH, Reply(body=_person()))
    write = {
        "a": "disposition",
        "b": "attempt_no",
        "c": "cost_usd",
        "d": "duration_s",
        "e": "ended_at",
        "f": "collected.slot",
        "g": "summary",
    }
    make(write=write).deliver(_owed("properties"))
    assert server.lines == [PATCH]
    assert server.requests[0].json()["properties"] == {
        "a": "answered",
        "b": "2",
        "c": "0.08",
        "d": "42.5",
        "e": "2026-11-23T14:51:00.000Z",
        "f": "Tuesday",
        "g": "said <yes> & more",
    }


def test_what_a_call_does_not_have_is_left_as_it_is(make: Make, server: CrmServer) -> None:
    server.on(PATCH, Reply(body=_person()))
    write = {"a": "disposition", "b": "cost_usd", "c": "collected.slot", "d": "summary"}
    crm = make(write=write)
    crm.deliver(_owed("properties", cost_usd=None, collected={}, summary=""))
    assert server.requests[0].json()["properties"] == {"a": "answered"}
    make(write={"b": "cost_usd"}).deliver(_owed("properties", cost_usd=None, crm_id=""))
    assert len(server.requests) == 1


def test_a_call_is_written_into_the_history(make: Make, server: CrmServer) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    make().deliver(_owed("engagement"))
    assert server.lines == [CALLS]
    sent = server.requests[0].json()
    assert sent["associations"][0]["to"] == {"id": "123"}
    assert sent["associations"][0]["types"][0]["associationTypeId"] == 194
    properties = sent["properties"]
    assert properties["hs_timestamp"] == "2026-11-23T14:50:00.123Z"
    assert properties["hs_call_duration"] == "42500"
    assert properties["hs_call_direction"] == "OUTBOUND"
    assert properties["hs_call_to_number"] == NUMBER
    assert "said &lt;yes&gt; &amp; more<br>slot: Tuesday<br>" in properties["hs_call_body"]
    assert properties["hs_call_body"].endswith(ATTEMPT)


@pytest.mark.parametrize(
    ("disposition", "status", "guid"),
    [
        (Disposition.ANSWERED, "COMPLETED", "f240bbac-87c9-4f6e-bf70-924b57d47db7"),
        (Disposition.VOICEMAIL, "COMPLETED", "b2cf5968-551e-4856-9783-52b3da59a7d0"),
        (Disposition.NO_ANSWER, "NO_ANSWER", "73a0d17f-1163-4015-bdd5-ec830791da20"),
        (Disposition.BUSY, "BUSY", "9d9162e7-6cf3-4944-bf63-4dff82258764"),
        (Disposition.FAILED, "FAILED", None),
        (Disposition.UNKNOWN, None, None),
        ("of a later version", None, None),
    ],
)
def test_each_disposition_has_hubspots_words(
    disposition: str, status: str | None, guid: str | None, make: Make, server: CrmServer
) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    make().deliver(_owed("engagement", disposition=str(disposition)))
    properties = server.requests[0].json()["properties"]
    assert properties.get("hs_call_status") == status
    assert properties.get("hs_call_disposition") == guid


def test_the_longest_call_fits(make: Make, server: CrmServer) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    collected = {f"{number}" + "&" * 500: '"' * 9000 for number in range(99)}
    long: dict[str, Any] = {"summary": "<" * 50_000, "error": "'" * 9000, "collected": collected}
    make().deliver(_owed("engagement", campaign="&" * 900, **long))
    body = server.requests[0].json()["properties"]["hs_call_body"]
    assert len(body) <= 65_536
    assert body.endswith(ATTEMPT)


def test_whom_it_is_about_is_looked_up_once_when_it_was_not_known(
    make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, _found(_person()))
    server.on(PATCH, Reply(body=_person()))
    server.on(CALLS, Reply(201, {"id": "555"}))
    crm = make(find_by=(), write={"outcome": "disposition"})
    for part in crm.owes:
        crm.deliver(_owed(part, crm_id=""))
    assert server.lines == [SEARCH, PATCH, CALLS]
    assert server.requests[2].json()["associations"][0]["to"] == {"id": "123"}


def test_the_next_attempt_is_looked_up_for_itself(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, _found(_person()), _found(_person("9", phone="+12025550199")))
    server.on(CALLS, Reply(201, {"id": "555"}))
    crm = make()
    crm.deliver(_owed("engagement", crm_id=""))
    other = "+12025550199"
    crm.deliver(_owed("engagement", crm_id="", attempt_id="ca_z", phone=other, contact_id=other))
    asked = [request.json() for request in server.requests if request.line == CALLS]
    assert [one["associations"][0]["to"]["id"] for one in asked] == ["123", "9"]


@pytest.mark.parametrize("people", [[], ["1", "2"]])
def test_an_outcome_of_nobody_or_of_several_will_never_be_taken(
    people: list[str], make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, _found(*map(_person, people)))
    crm = make(write={"outcome": "disposition"})
    for part in crm.owes:
        with pytest.raises(ContactError, match="nobody who is clearly") as raised:
            crm.deliver(_owed(part, crm_id=""))
        assert raised.value.hint
        assert NUMBER not in _shown(raised.value)
    assert set(server.lines) == {SEARCH}


# A call that may be there


def _logged(attempt_id: str) -> Reply:
    body = f"said<br>Reference: {attempt_id}"
    return _found({"id": "555", "properties": {"hs_call_body": body}}, {"id": "556"})


def test_a_call_whose_answer_is_lost_is_in_doubt(make: Make, server: CrmServer) -> None:
    server.on(CALLS, LOST)
    with pytest.raises(AmbiguousError):
        make().deliver(_owed("engagement"))


def test_properties_whose_answer_is_lost_are_written_again(make: Make, server: CrmServer) -> None:
    server.on(PATCH, LOST, Reply(body=_person()))
    crm = make(write={"outcome": "disposition"})
    with pytest.raises(TransientError):
        crm.deliver(_owed("properties"))
    crm.deliver(_owed("properties", tries=1))
    assert server.lines == [PATCH, PATCH]


def test_a_repeat_looks_first_and_writes_nothing_twice(
    make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(CALLS, LOST)
    server.on(FIND_CALLS, _logged(ATTEMPT))
    crm = make()
    with pytest.raises(AmbiguousError):
        crm.deliver(_owed("engagement"))
    crm.deliver(_owed("engagement", tries=1))
    assert server.lines == [CALLS, FIND_CALLS]
    token, moment = (group["filters"][0] for group in server.requests[1].json()["filterGroups"])
    assert (token["operator"], token["value"]) == ("CONTAINS_TOKEN", ATTEMPT)
    assert moment["value"] == "1795445400123"


@pytest.mark.parametrize("found", [_found(), _logged("ca_another"), Reply(body={})])
def test_a_repeat_writes_what_is_not_there_once_the_search_can_know(
    found: Reply, make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(CALLS, LOST, Reply(201, {"id": "555"}))
    server.on(FIND_CALLS, found)
    crm = make()
    with pytest.raises(AmbiguousError):
        crm.deliver(_owed("engagement"))
    clock.advance(20)
    with pytest.raises(ThrottledError) as early:
        crm.deliver(_owed("engagement", tries=1))
    assert early.value.retry_after_s == pytest.approx(40)
    clock.advance(40)
    crm.deliver(_owed("engagement", tries=1))
    assert server.lines == [CALLS, FIND_CALLS, FIND_CALLS, CALLS]


def test_what_an_earlier_run_tried_is_looked_for_at_once_unless_it_is_fresh(
    make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    server.on(FIND_CALLS, _found())
    crm = make()
    with pytest.raises(ThrottledError):
        crm.deliver(_owed("engagement", tries=3))
    clock.advance(61)
    crm.deliver(_owed("engagement", tries=3))
    assert server.lines == [FIND_CALLS, FIND_CALLS, CALLS]


@pytest.mark.parametrize("answer", [Reply(503), Reply(429), Reply(401), LOST])
def test_nothing_is_written_while_it_cannot_be_looked_for(
    answer: Reply, make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(FIND_CALLS, answer)
    clock.advance(600)
    with pytest.raises(ServiceError):
        make().deliver(_owed("engagement", tries=1))
    assert server.lines == [FIND_CALLS]


# What is owed, and what is set


@pytest.mark.parametrize(
    ("settings", "owes"),
    [
        ({}, ("engagement",)),
        ({"write": {"a": "summary"}}, ("properties", "engagement")),
        ({"write": {"a": "summary"}, "log_call": False}, ("properties",)),
        ({"log_call": False}, ()),
    ],
)
def test_it_is_owed_what_the_settings_say(
    settings: dict[str, Any], owes: tuple[str, ...], make: Make
) -> None:
    assert make(**settings).owes == owes


@pytest.mark.parametrize("field", ["disposion", "collected", "__class__", "as_data"])
def test_a_field_that_no_outcome_has_is_an_error_of_the_settings(field: str, make: Make) -> None:
    with pytest.raises(ConfigError, match=r"services\.crm\.write") as wrong:
        make(write={"a": field})
    assert "disposition" in wrong.value.hint


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"part": "properties"},
        {"part": "properties", "record": {"attempt_id": 1}},
        {"part": "properties", "record": {**_record().as_data(), "started_at": "x"}},
        {"part": "else", "record": _record().as_data()},
    ],
)
def test_a_payload_that_is_none_of_ours_is_never_taken(
    payload: dict[str, object], make: Make, server: CrmServer
) -> None:
    with pytest.raises(ContactError):
        make().deliver([Delivery("k", payload, NOW)])
    assert server.requests == []


# Is it well?


def _definition(**more: object) -> Reply:
    return Reply(body={"name": "x", "type": "string", "options": [], **more})


READ_ONLY = {"modificationMetadata": {"readOnlyValue": True}}


def test_a_probe_reads_one_contact_and_the_properties_until_they_are_in_order(
    make: Make, server: CrmServer
) -> None:
    server.on(LIST, _found(_person()))
    server.on(f"{PROPERTY}outcome", _definition())
    server.on(f"{PROPERTY}firstname", _definition(**READ_ONLY))  # only read
    server.on(f"{PROPERTY}erp_id", _definition())
    crm = make(
        write={"outcome": "summary"}, read={"firstname": "first_name"}, id_property="erp_id"
    )
    first = crm.probe()
    assert first.status is HealthStatus.OK
    assert "properties" in first.detail
    assert len(server.requests) == 4
    assert server.requests[0].query == {"limit": "1", "properties": "email"}
    assert crm.probe().status is HealthStatus.OK
    assert server.lines[4:] == [LIST]


def test_many_properties_are_read_over_several_probes(make: Make, server: CrmServer) -> None:
    names = [f"p{number}" for number in range(12)]
    server.on(LIST, _found(_person()))
    for name in names:
        server.on(f"{PROPERTY}{name}", _definition())
    crm = make(read={name: name for name in names})
    sizes = []
    for _ in range(4):
        before = len(server.requests)
        assert crm.probe().status is HealthStatus.OK
        sizes.append(len(server.requests) - before)
    assert sizes == [6, 6, 3, 1]


@pytest.mark.parametrize(
    ("settings", "definition", "where"),
    [
        ({"write": {"x": "summary"}}, Reply(404), "write"),
        ({"write": {"x": "summary"}}, _definition(archived=True), "write"),
        ({"write": {"x": "summary"}}, _definition(**READ_ONLY), "write"),
        ({"read": {"x": "var"}}, Reply(404), "read"),
        ({"id_property": "x"}, Reply(404), "id_property"),
    ],
)
def test_a_probe_names_a_property_that_cannot_be_used_until_it_can(
    settings: dict[str, Any], definition: Reply, where: str, make: Make, server: CrmServer
) -> None:
    server.on(LIST, _found(_person()))
    server.on(f"{PROPERTY}x", definition, definition, _definition())
    crm = make(**settings)
    for _ in range(2):
        health = crm.probe()
        assert health.status is HealthStatus.MISCONFIGURED
        assert "'x'" in health.detail
        assert f"services.crm.{where}" in health.remedy
    assert crm.probe().status is HealthStatus.OK


def test_a_probe_warns_of_a_disposition_that_the_property_does_not_offer(
    make: Make, server: CrmServer
) -> None:
    options = [{"label": one.value, "value": one.value} for one in Disposition if one != "busy"]
    server.on(LIST, _found(_person()))
    server.on(f"{PROPERTY}x", _definition(type="enumeration", options=options))
    health = make(write={"x": "disposition"}).probe()
    assert health.status is HealthStatus.DEGRADED
    assert "has no option busy" in health.detail


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Reply(401, _error("E401", "invalid")), HealthStatus.MISCONFIGURED),
        (Reply(403, _error("E403", "scopes")), HealthStatus.MISCONFIGURED),
        (Reply(404, b"<html>"), HealthStatus.MISCONFIGURED),
        (Reply(429, _limit("TEN_SECONDLY_ROLLING")), HealthStatus.DEGRADED),
        (Reply(429, _limit("DAILY")), HealthStatus.DOWN),
        (Reply(477), HealthStatus.DOWN),
        (Reply(503), HealthStatus.DOWN),
        (Reply(200, b"<html>"), HealthStatus.DOWN),
        (LOST, HealthStatus.DOWN),
    ],
)
def test_a_probe_says_what_is_wrong(
    answer: Reply, status: HealthStatus, make: Make, server: CrmServer
) -> None:
    server.on(LIST, answer)
    health = make(write={"x": "summary"}).probe()
    assert health.status is status
    assert server.lines == [LIST]
    assert KEY not in health.detail + health.remedy
    assert health.remedy or status is HealthStatus.DEGRADED
