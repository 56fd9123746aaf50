"""Whether HubSpot is well, and has the properties that are mapped."""

from collections.abc import Iterator
from typing import Any

import pytest

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.health import HealthStatus
from tests.support.crm_server import LOST, CrmServer, Reply
from tests.support.hand_clock import HandClock
from tests.support.hubspot import (
    KEY,
    LIST,
    NOW,
    PROPERTY,
    Make,
    example,
    found,
    hubspot_server,
    limit,
    maker,
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


def _definition(**more: object) -> Reply:
    return Reply(body={"name": "x", "type": "string", "options": [], **more})


READ_ONLY = {"modificationMetadata": {"readOnlyValue": True}}


def test_a_probe_reads_one_contact_and_the_properties_until_they_are_in_order(
    make: Make, server: CrmServer
) -> None:
    server.on(LIST, found(person()))
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
    server.on(LIST, found(person()))
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
    server.on(LIST, found(person()))
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
    server.on(LIST, found(person()))
    server.on(f"{PROPERTY}x", _definition(type="enumeration", options=options))
    health = make(write={"x": "disposition"}).probe()
    assert health.status is HealthStatus.DEGRADED
    assert "has no option busy" in health.detail


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Reply(401, example("E401", "invalid")), HealthStatus.MISCONFIGURED),
        (Reply(403, example("E403", "scopes")), HealthStatus.MISCONFIGURED),
        (Reply(404, b"<html>"), HealthStatus.MISCONFIGURED),
        (Reply(429, limit("TEN_SECONDLY_ROLLING")), HealthStatus.DEGRADED),
        (Reply(429, limit("DAILY")), HealthStatus.DOWN),
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
