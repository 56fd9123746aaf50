"""Whom HubSpot takes a contact for: nobody rather than somebody else."""

from collections.abc import Iterator

import pytest

from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.errors import TransientError
from tests.support.crm_server import CrmServer, Reply
from tests.support.hand_clock import HandClock
from tests.support.hubspot import (
    BASE,
    CONTACT,
    NOW,
    NUMBER,
    ONE,
    SEARCH,
    Make,
    found,
    hubspot_server,
    maker,
    owed,
    person,
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


def test_a_contact_is_found_by_its_hubspot_id_and_read(make: Make, server: CrmServer) -> None:
    server.on(ONE, Reply(body=person(firstname="Ann", city=None, plan="")))
    crm = make(read={"firstname": "first_name", "city": "town", "plan": "plan", "gone": "gone"})
    assert crm.find(CONTACT) == KnownPerson("123", {"first_name": "Ann"})
    assert server.lines == [ONE]
    assert {"firstname", "city", "plan"} <= set(server.requests[0].query["properties"].split(","))


def test_what_is_read_is_cleaned_and_bounded(make: Make, server: CrmServer) -> None:
    server.on(ONE, Reply(body=person(note="a\x00\u202eb\n" + "x" * 900)))
    known = make(read={"note": "note"}).find(CONTACT)
    assert known is not None
    assert known.variables["note"].startswith("ab x")
    assert known.variables["note"].isprintable()
    assert len(known.variables["note"]) == 500


def test_an_id_that_is_only_the_number_is_not_asked_for(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, found())
    assert make().find(Contact(id=NUMBER, phone=NUMBER)) is None
    assert server.lines == [SEARCH]


@pytest.mark.parametrize("own_id", ["c-17", "٣", "..", "1/2", ""])
def test_an_id_that_hubspot_cannot_have_is_not_asked_for(
    own_id: str, make: Make, server: CrmServer
) -> None:
    assert make(find_by=("id",)).find(Contact(id=own_id, phone=NUMBER)) is None
    assert server.requests == []


def test_a_unique_property_stands_in_for_hubspots_id(make: Make, server: CrmServer) -> None:
    server.on(f"GET {BASE}/contacts/c/17", Reply(body=person("9", phone="+442079460018")))
    known = make(id_property="erp_id").find(Contact(id="c/17", phone=NUMBER))
    assert known == KnownPerson("9")
    assert server.requests[0].raw_path.endswith("/c%2F17")
    assert server.requests[0].query["idProperty"] == "erp_id"


def test_a_row_number_is_not_taken_for_somebody_elses_record(
    make: Make, server: CrmServer
) -> None:
    server.on(ONE, Reply(body=person(phone="+12025550199", email="other@example.com")))
    server.on(SEARCH, found(person("77")))
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
    server.on(ONE, Reply(body=person(**properties)))
    assert make(find_by=("id",)).find(CONTACT) == KnownPerson("123")


def test_an_email_is_asked_for_encoded(make: Make, server: CrmServer) -> None:
    server.on(f"GET {BASE}/contacts/ann+x@example.com", Reply(body=person("5")))
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
    server.on(SEARCH, found(person("8", **hubspots)))
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
    server.on(SEARCH, found(*(person(one, phone=number) for one, number in people)))
    known = make().find(Contact(id=US, phone=US))
    assert (known.crm_id if known else None) == crm_id


def test_one_record_with_the_number_in_both_fields_is_one_person(
    make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, found(person("1", mobilephone=NUMBER)))
    assert make(find_by=("phone",)).find(CONTACT) == KnownPerson("1")


def test_more_candidates_than_a_page_are_nobody(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, found(person("1"), paging={"next": {"after": "100"}}))
    assert make(find_by=("phone",)).find(CONTACT) is None


def test_the_order_is_the_settings(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, found())
    assert make(find_by=("phone", "email")).find(CONTACT) is None
    assert server.lines == [SEARCH, f"GET {BASE}/contacts/{CONTACT.email}"]


def test_nobody_is_asked_for_when_no_way_is_set(make: Make, server: CrmServer) -> None:
    assert make(find_by=()).find(CONTACT) is None
    assert server.requests == []


@pytest.mark.parametrize("version", ["v3", "2026-03"])
def test_the_version_stands_in_the_paths(version: str, make: Make, server: CrmServer) -> None:
    base = "/crm/v3/objects" if version == "v3" else f"/crm/objects/{version}"
    server.on(f"POST {base}/contacts/search", found(person("4")))
    server.on(f"PATCH {base}/contacts/4", Reply(body=person("4")))
    crm = make(api_version=version, find_by=("phone",), write={"outcome": "disposition"})
    crm.deliver(owed("properties", crm_id=""))
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
