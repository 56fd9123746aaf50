"""The simulated HubSpot: as its contract says, and as the product's own client uses it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.crm_hubspot import ENGAGEMENT, PROPERTIES, HubSpot
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.sandbox import CRM, Sandbox
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock
from tests.support.contract import Contract
from tests.support.sandbox_caller import SandboxCaller, Told

CONTRACT = Contract("hubspot")
KEY = {"Authorization": "Bearer sandbox"}
DATED, OLD = "/crm/objects/2026-09", "/crm/v3/objects"
CONTACTS, CALLS = f"{DATED}/contacts", f"{DATED}/calls"
PHONE = "+12025550101"


def sandbox_with(clock: VirtualClock, *faults: Fault, **more: Any) -> Sandbox:
    return Sandbox(clock, seed=1, faults=FaultPlan(faults), **more)


@pytest.fixture
def sandbox(clock: VirtualClock) -> Sandbox:
    made = sandbox_with(clock)
    made.crm.people.add("7", firstname="Ada", email="ada@example.com", phone=PHONE)
    return made


@pytest.fixture
def crm(sandbox: Sandbox) -> SandboxCaller:
    return SandboxCaller(sandbox, CRM.url, KEY)


def by_phone(national: str, *names: str) -> dict[str, object]:
    wanted = [
        {"filters": [{"propertyName": name, "operator": "EQ", "value": national}]}
        for name in (
            "hs_searchable_calculated_phone_number",
            "hs_searchable_calculated_mobile_number",
        )
    ]
    return {"filterGroups": wanted, "properties": list(names), "limit": 100}


def call(text: str = "Reference: ca_1", contact: str = "7") -> dict[str, object]:
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}
    return {
        "properties": {"hs_timestamp": "2026-11-23T18:00:00Z", "hs_call_body": text},
        "associations": [{"to": {"id": contact}, "types": [kind]}],
    }


def check(told: Told, method: str, path: str) -> None:
    CONTRACT.check_answer(method, path, told.status, told.body)


@pytest.mark.parametrize("objects", [DATED, "/crm/objects/2026-03", OLD])
def test_contact_is_read_and_written_by_the_contract_in_every_version(
    crm: SandboxCaller, objects: str
) -> None:
    one = f"{objects}/contacts/{{contactId}}"
    for path in ("7?properties=firstname,nickname", "ada%40example.com?idProperty=email", "9"):
        check(crm.ask("GET", f"{objects}/contacts/{path}"), "get", one)
    for properties in ({"callagent_status": "answered"}, {"nickname": "x"}, {"hs_object_id": "1"}):
        body = {"properties": properties}
        check(crm.ask("PATCH", f"{objects}/contacts/7", body), "patch", one)
    for query in ("?limit=1&properties=email", ""):
        check(crm.ask("GET", f"{objects}/contacts{query}"), "get", f"{objects}/contacts")
    search = f"{objects}/contacts/search"
    check(crm.ask("POST", search, by_phone("2025550101", "email")), "post", search)


def test_other_answers_keep_the_contract(crm: SandboxCaller) -> None:
    for name in ("email", "hs_object_id", "nickname"):
        path = "/crm/properties/2026-09/contacts"
        check(crm.ask("GET", f"{path}/{name}"), "get", f"{path}/{{propertyName}}")
    bodies: list[dict[str, object]] = [call(), call(contact="9"), {"properties": {}}]
    for body in bodies:
        check(crm.ask("POST", CALLS, body), "post", CALLS)
    no_key = crm.ask("GET", CONTACTS, headers={})
    assert no_key.status == 401
    check(no_key, "get", CONTACTS)


@pytest.mark.parametrize("kind", ["503", "429", "401", "quota"])
def test_refusals_keep_the_contract(clock: VirtualClock, kind: str) -> None:
    crm = SandboxCaller(sandbox_with(clock, Fault("crm", FaultKind(kind))), CRM.url, KEY)
    check(crm.ask("GET", CONTACTS), "get", CONTACTS)
    check(crm.ask("POST", CALLS, call()), "post", CALLS)


def test_what_is_written_is_kept(crm: SandboxCaller, sandbox: Sandbox) -> None:
    crm.ask("PATCH", f"{CONTACTS}/7", {"properties": {"callagent_status": "answered"}})
    crm.ask("POST", CALLS, call())
    person = crm.get(f"{CONTACTS}/7?properties=callagent_status,firstname")["properties"]
    assert (person["callagent_status"], person["firstname"]) == ("answered", "Ada")
    (engagement,) = sandbox.crm.engagements
    assert (engagement.reference, engagement.contact_ids) == ("ca_1", ("7",))
    assert [(arrival.kind, arrival.key) for arrival in sandbox.crm.reception.arrivals] == [
        ("properties", '7:{"callagent_status": "answered"}'),
        ("calls", "ca_1"),
    ]


def test_property_that_the_account_lacks_is_refused_and_nothing_is_written(
    crm: SandboxCaller,
) -> None:
    body = {"properties": {"callagent_status": "x", "nickname": "x"}}
    told = crm.ask("PATCH", f"{CONTACTS}/7", body)
    assert told.status == 400
    assert '"error": "PROPERTY_DOESNT_EXIST"' in told.body["message"]
    properties = crm.get(f"{CONTACTS}/7?properties=callagent_status")["properties"]
    assert properties["callagent_status"] is None


def test_custom_property_is_one_of_the_account(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock, crm_properties=("nickname",))
    crm = SandboxCaller(sandbox, CRM.url, KEY)
    definition = crm.get("/crm/properties/2026-09/contacts/nickname")
    assert definition["modificationMetadata"]["readOnlyValue"] is False


def test_number_nobody_has_belongs_to_somebody_once_it_is_looked_for(clock: VirtualClock) -> None:
    def found(seed: int) -> Any:
        crm = SandboxCaller(Sandbox(clock, seed=seed), CRM.url, KEY)
        search = by_phone("2125550199", "phone", "firstname")
        first, again = (crm.ask("POST", f"{CONTACTS}/search", search).body for _ in range(2))
        assert first == again
        assert first["total"] == 1
        return first["results"][0]["properties"]

    assert found(1)["phone"] == "+12125550199"
    assert found(1) == found(1)
    assert len({found(seed)["firstname"] for seed in range(12)}) > 1, "the seed decides"


def test_new_call_is_found_only_after_a_while(crm: SandboxCaller, clock: VirtualClock) -> None:
    crm.ask("POST", CALLS, call("<br>Reference: ca_1"))
    token = {"propertyName": "hs_call_body", "operator": "CONTAINS_TOKEN", "value": "ca_1"}
    moment = {"propertyName": "hs_timestamp", "operator": "EQ", "value": "1795456800000"}
    totals = []
    for wait_s in (0, 29, 1):
        clock.signal().wait(wait_s)
        for one in (token, moment):
            search = {"filterGroups": [{"filters": [one]}]}
            totals.append(crm.ask("POST", f"{CALLS}/search", search).body["total"])
    assert totals == [0, 0, 0, 0, 1, 1]


def test_search_it_does_not_know_is_refused(crm: SandboxCaller) -> None:
    one = {"propertyName": "email", "operator": "LIKE", "value": "x"}
    told = crm.ask("POST", f"{CONTACTS}/search", {"filterGroups": [{"filters": [one]}]})
    assert told.status == 400
    check(told, "post", f"{CONTACTS}/search")


def product(sandbox: Sandbox, clock: VirtualClock, key: str = "sandbox") -> HubSpot:
    session = HttpSession(
        "crm",
        CRM.url,
        headers={"Authorization": f"Bearer {key}"},
        timeouts=Timeouts(5, 10, 15),
        clock=clock,
        adapter=WorldAdapter(sandbox, clock),
    )
    return HubSpot(
        session,
        clock=clock,
        read={"firstname": "first_name"},
        write={"callagent_status": "disposition"},
    )


NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
RECORD = CallRecord(
    attempt_id="ca_01",
    attempt_no=1,
    campaign="spring",
    contact_id="c1",
    phone=PHONE,
    name="Ada",
    email="",
    crm_id="7",
    conversation_id="conv_1",
    disposition="answered",
    started_at=NOW,
    ended_at=NOW,
    duration_s=30.0,
    cost_usd=0.1,
    summary="Fine.",
    error="",
)


def owed(part: str, tries: int = 0) -> list[Delivery]:
    payload = {"part": part, "record": RECORD.as_data()}
    return [Delivery(f"ca_01:{part}", payload, NOW, tries)]


def test_the_products_client_finds_tells_and_probes(sandbox: Sandbox, clock: VirtualClock) -> None:
    client = product(sandbox, clock)
    known = client.find(Contact("c1", PHONE))
    assert known is not None
    assert (known.crm_id, known.variables) == ("7", {"first_name": "Ada"})
    client.deliver(owed(PROPERTIES))
    client.deliver(owed(ENGAGEMENT))
    assert [one.reference for one in sandbox.crm.engagements] == ["ca_01"]
    assert client.probe().status is HealthStatus.OK


def test_call_whose_answer_was_lost_is_found_and_not_logged_twice(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock, Fault("crm", FaultKind.RESET_AFTER, to_request=1))
    sandbox.crm.people.add("7", phone=PHONE)
    client = product(sandbox, clock)
    with pytest.raises(AmbiguousError):
        client.deliver(owed(ENGAGEMENT))
    with pytest.raises(ThrottledError):
        client.deliver(owed(ENGAGEMENT, tries=1))
    clock.signal().wait(60)
    client.deliver(owed(ENGAGEMENT, tries=1))
    assert [one.reference for one in sandbox.crm.engagements] == ["ca_01"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("503", TransientError),
        ("429", ThrottledError),
        ("401", ServiceRefused),
        ("quota", ServiceRefused),
        ("timeout", TransientError),
        ("reset-after", TransientError),
        ("garbage", TransientError),
        ("slow", TransientError),
    ],
)
def test_each_fault_is_sorted_by_the_products_client(
    clock: VirtualClock, kind: str, error: type[Exception]
) -> None:
    sandbox = sandbox_with(clock, Fault("crm", FaultKind(kind)))
    with pytest.raises(error) as raised:
        product(sandbox, clock).find(Contact("c1", PHONE))
    assert type(raised.value) is error


def test_outage_without_times_spares_health_checks_until_it_begins(clock: VirtualClock) -> None:
    sandbox = sandbox_with(clock, Fault("crm", FaultKind.UNAVAILABLE, from_dial=3, lasts_s=300.0))
    sandbox.crm.people.add("7", phone=PHONE)
    crm = SandboxCaller(sandbox, CRM.url, KEY)
    statuses = [crm.ask("GET", f"{CONTACTS}?limit=1").status for _ in range(5)]
    statuses += [crm.ask("POST", CALLS, logged(n)).status for n in range(3)]
    statuses += [crm.ask("GET", f"{CONTACTS}?limit=1").status]
    clock.signal().wait(300)
    statuses += [crm.ask("GET", f"{CONTACTS}?limit=1").status]
    assert statuses == [200] * 5 + [201, 201, 503] + [503] + [200]


def logged(n: int) -> dict[str, object]:
    return call(f"Reference: ca_{n}")
