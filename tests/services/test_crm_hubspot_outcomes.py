"""HubSpot is told how a call ended: once, and about the right person."""

from collections.abc import Iterator
from typing import Any

import pytest

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ConfigError,
    ContactError,
    ServiceError,
    ThrottledError,
    TransientError,
)
from tests.support.crm_server import LOST, CrmServer, Reply
from tests.support.hand_clock import HandClock
from tests.support.hubspot import (
    ATTEMPT,
    CALLS,
    FIND_CALLS,
    NOW,
    NUMBER,
    PATCH,
    SEARCH,
    Make,
    found,
    hubspot_server,
    maker,
    owed,
    person,
    record,
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


def test_properties_are_written_as_strings(make: Make, server: CrmServer) -> None:
    server.on(PATCH, Reply(body=person()))
    write = {
        "a": "disposition",
        "b": "attempt_no",
        "c": "cost_usd",
        "d": "duration_s",
        "e": "ended_at",
        "f": "collected.slot",
        "g": "summary",
    }
    make(write=write).deliver(owed("properties"))
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
    server.on(PATCH, Reply(body=person()))
    write = {"a": "disposition", "b": "cost_usd", "c": "collected.slot", "d": "summary"}
    crm = make(write=write)
    crm.deliver(owed("properties", cost_usd=None, collected={}, summary=""))
    assert server.requests[0].json()["properties"] == {"a": "answered"}
    make(write={"b": "cost_usd"}).deliver(owed("properties", cost_usd=None, crm_id=""))
    assert len(server.requests) == 1


def test_a_call_is_written_into_the_history(make: Make, server: CrmServer) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    make().deliver(owed("engagement"))
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
    make().deliver(owed("engagement", disposition=str(disposition)))
    properties = server.requests[0].json()["properties"]
    assert properties.get("hs_call_status") == status
    assert properties.get("hs_call_disposition") == guid


def test_the_longest_call_fits(make: Make, server: CrmServer) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    collected = {f"{number}" + "&" * 500: '"' * 9000 for number in range(99)}
    long: dict[str, Any] = {"summary": "<" * 50_000, "error": "'" * 9000, "collected": collected}
    make().deliver(owed("engagement", campaign="&" * 900, **long))
    body = server.requests[0].json()["properties"]["hs_call_body"]
    assert len(body) <= 65_536
    assert body.endswith(ATTEMPT)


def test_whom_it_is_about_is_looked_up_once_when_it_was_not_known(
    make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, found(person()))
    server.on(PATCH, Reply(body=person()))
    server.on(CALLS, Reply(201, {"id": "555"}))
    crm = make(find_by=(), write={"outcome": "disposition"})
    for part in crm.owes:
        crm.deliver(owed(part, crm_id=""))
    assert server.lines == [SEARCH, PATCH, CALLS]
    assert server.requests[2].json()["associations"][0]["to"] == {"id": "123"}


def test_the_next_attempt_is_looked_up_for_itself(make: Make, server: CrmServer) -> None:
    server.on(SEARCH, found(person()), found(person("9", phone="+12025550199")))
    server.on(CALLS, Reply(201, {"id": "555"}))
    crm = make()
    crm.deliver(owed("engagement", crm_id=""))
    other = "+12025550199"
    crm.deliver(owed("engagement", crm_id="", attempt_id="ca_z", phone=other, contact_id=other))
    asked = [request.json() for request in server.requests if request.line == CALLS]
    assert [one["associations"][0]["to"]["id"] for one in asked] == ["123", "9"]


@pytest.mark.parametrize("people", [[], ["1", "2"]])
def test_an_outcome_of_nobody_or_of_several_will_never_be_taken(
    people: list[str], make: Make, server: CrmServer
) -> None:
    server.on(SEARCH, found(*map(person, people)))
    crm = make(write={"outcome": "disposition"})
    for part in crm.owes:
        with pytest.raises(ContactError, match="nobody who is clearly") as raised:
            crm.deliver(owed(part, crm_id=""))
        assert raised.value.hint
        assert NUMBER not in shown(raised.value)
    assert set(server.lines) == {SEARCH}


def _logged(attempt_id: str) -> Reply:
    body = f"said<br>Reference: {attempt_id}"
    return found({"id": "555", "properties": {"hs_call_body": body}}, {"id": "556"})


def test_a_call_whose_answer_is_lost_is_in_doubt(make: Make, server: CrmServer) -> None:
    server.on(CALLS, LOST)
    with pytest.raises(AmbiguousError):
        make().deliver(owed("engagement"))


def test_properties_whose_answer_is_lost_are_written_again(make: Make, server: CrmServer) -> None:
    server.on(PATCH, LOST, Reply(body=person()))
    crm = make(write={"outcome": "disposition"})
    with pytest.raises(TransientError):
        crm.deliver(owed("properties"))
    crm.deliver(owed("properties", tries=1))
    assert server.lines == [PATCH, PATCH]


def test_a_repeat_looks_first_and_writes_nothing_twice(
    make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(CALLS, LOST)
    server.on(FIND_CALLS, _logged(ATTEMPT))
    crm = make()
    with pytest.raises(AmbiguousError):
        crm.deliver(owed("engagement"))
    crm.deliver(owed("engagement", tries=1))
    assert server.lines == [CALLS, FIND_CALLS]
    token, moment = (group["filters"][0] for group in server.requests[1].json()["filterGroups"])
    assert (token["operator"], token["value"]) == ("CONTAINS_TOKEN", ATTEMPT)
    assert moment["value"] == "1795445400123"


@pytest.mark.parametrize("found", [found(), _logged("ca_another"), Reply(body={})])
def test_a_repeat_writes_what_is_not_there_once_the_search_can_know(
    found: Reply, make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(CALLS, LOST, Reply(201, {"id": "555"}))
    server.on(FIND_CALLS, found)
    crm = make()
    with pytest.raises(AmbiguousError):
        crm.deliver(owed("engagement"))
    clock.advance(20)
    with pytest.raises(ThrottledError) as early:
        crm.deliver(owed("engagement", tries=1))
    assert early.value.retry_after_s == pytest.approx(40)
    clock.advance(40)
    crm.deliver(owed("engagement", tries=1))
    assert server.lines == [CALLS, FIND_CALLS, FIND_CALLS, CALLS]


def test_what_an_earlier_run_tried_is_looked_for_at_once_unless_it_is_fresh(
    make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(CALLS, Reply(201, {"id": "555"}))
    server.on(FIND_CALLS, found())
    crm = make()
    with pytest.raises(ThrottledError):
        crm.deliver(owed("engagement", tries=3))
    clock.advance(61)
    crm.deliver(owed("engagement", tries=3))
    assert server.lines == [FIND_CALLS, FIND_CALLS, CALLS]


@pytest.mark.parametrize("answer", [Reply(503), Reply(429), Reply(401), LOST])
def test_nothing_is_written_while_it_cannot_be_looked_for(
    answer: Reply, make: Make, server: CrmServer, clock: HandClock
) -> None:
    server.on(FIND_CALLS, answer)
    clock.advance(600)
    with pytest.raises(ServiceError):
        make().deliver(owed("engagement", tries=1))
    assert server.lines == [FIND_CALLS]


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
        {"part": "properties", "record": {**record().as_data(), "started_at": "x"}},
        {"part": "else", "record": record().as_data()},
    ],
)
def test_a_payload_that_is_none_of_ours_is_never_taken(
    payload: dict[str, object], make: Make, server: CrmServer
) -> None:
    with pytest.raises(ContactError):
        make().deliver([Delivery("k", payload, NOW)])
    assert server.requests == []
