"""Any CRM over HTTP, against a server of the test's own."""

import hashlib
import hmac
import json
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    ConfigError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.crm_http import HttpCrm
from callagent_cli.services.http_session import HttpSession, Timeouts
from tests.support.crm_server import LOST, CrmServer, Reply
from tests.support.hand_clock import HandClock

KEY, SECRET, CANARY = "canary-key-4471", "canary-secret-8812", "canary-body-2201"
NUMBER, ATTEMPT = "+12025550123", "ca_abcdefghijklmnopqrstuvwxyz"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CONTACT = Contact(id="c 1/2", phone=NUMBER, name="Ann & Bob", email="ann@example.com")
FIND, REPORT, HEALTH = "GET /api/people", "POST /api/calls", "GET /api/up"
Make = Callable[..., HttpCrm]


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with CrmServer() as running:
        yield running
    assert all(request.headers["X-Key"] == KEY for request in running.requests)


@pytest.fixture
def make(server: CrmServer) -> Make:
    def build(**settings: Any) -> HttpCrm:
        clock = HandClock(NOW)
        limits = Timeouts(connect_s=2, read_s=5, total_s=5)
        url = f"{server.url}/api"
        session = HttpSession("crm", url, headers={"X-Key": KEY}, timeouts=limits, clock=clock)
        defaults: dict[str, Any] = {
            "find_path": "/people?phone={phone}",
            "find_variables": {},
            "report_path": "/calls",
            "report_body": None,
            "health_path": None,
        }
        return HttpCrm(session, clock=clock, **{**defaults, **settings})

    return build


def _record(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "attempt_id": ATTEMPT,
        "attempt_no": 2,
        "campaign": "spring",
        "contact_id": "c1",
        "phone": NUMBER,
        "name": "Ann",
        "email": "",
        "crm_id": "",
        "conversation_id": "conv_1",
        "disposition": "no_answer",
        "started_at": datetime(2026, 11, 23, 14, 50, tzinfo=UTC),
        "ended_at": datetime(2026, 11, 23, 14, 51, tzinfo=UTC),
        "duration_s": 42.5,
        "cost_usd": None,
        "summary": 'said "yes"',
        "error": "",
        "collected": {"best time": "Tuesday"},
    }
    return CallRecord(**{**fields, **changes})


def _owed(*, tries: int = 0, part: str = "record", **changes: Any) -> list[Delivery]:
    payload = {"part": part, "record": _record(**changes).as_data()}
    return [Delivery(f"{ATTEMPT}:{part}", payload, NOW, tries)]


def _shown(error: ServiceError) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + error.hint


def test_a_contact_is_asked_for_with_encoded_values(make: Make, server: CrmServer) -> None:
    server.on("GET /api/people/c 1/2", Reply(body={"id": 17}))
    path = "/people/{id}?phone={phone}&name={name}&email={email}&all=1"
    assert make(find_path=path).find(CONTACT) == KnownPerson("17")
    asked = server.requests[0]
    assert asked.raw_path == "/api/people/c%201%2F2"
    assert asked.query == {
        "phone": NUMBER,
        "name": CONTACT.name,
        "email": CONTACT.email,
        "all": "1",
    }


def test_values_are_taken_from_where_the_settings_say(make: Make, server: CrmServer) -> None:
    person = {
        "key": "p-1",
        "plan": {"name": "  Gold\x00\n", "seats": 3, "price": 9.5, "is_paid": True},
        "tags": ["a", "b"],
        "note": None,
        "long": "x" * 900,
    }
    server.on(FIND, Reply(body={"results": [person]}))
    crm = make(
        id_path="results.0.key",
        find_variables={
            "results.0.plan.name": "plan",
            "results.0.plan.seats": "seats",
            "results.0.plan.price": "price",
            "results.0.plan.is_paid": "paid",
            "results.0.tags.1": "tag",
            "results.0.tags.9": "no_tag",
            "results.0.tags": "tags",
            "results.0.note": "note",
            "results.0.gone.further": "gone",
            "results.0.long": "long",
        },
    )
    assert crm.find(CONTACT) == KnownPerson(
        "p-1",
        {
            "plan": "Gold",
            "seats": "3",
            "price": "9.5",
            "paid": "true",
            "tag": "b",
            "long": "x" * 500,
        },
    )


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(410),
        Reply(body={"results": []}),
        Reply(body={"results": [{"id": 1}, {"id": 2}]}),  # several might be meant
        Reply(body={"results": [{"id": ""}]}),
        Reply(body={"results": [{"id": {"a": 1}}]}),
        Reply(body={}),
        Reply(body=[]),
        Reply(body=b"null"),
    ],
)
def test_nobody_and_several_are_none(reply: Reply, make: Make, server: CrmServer) -> None:
    server.on(FIND, reply)
    assert make(id_path="results.0.id").find(CONTACT) is None


@pytest.mark.parametrize("email", ["", ".", ".."])
def test_a_question_that_names_nobody_is_not_asked(
    email: str, make: Make, server: CrmServer
) -> None:
    crm = make(find_path="/people/{email}")
    assert crm.find(Contact(id="1", phone=NUMBER, email=email)) is None
    assert make(find_path=None).find(CONTACT) is None
    assert server.requests == []


@pytest.mark.parametrize("body", [b"<html>", b"", b"[" * 100_000, b'{"id": NaN}'])
def test_an_answer_that_is_not_json_is_trouble(body: bytes, make: Make, server: CrmServer) -> None:
    server.on(FIND, Reply(body=body))
    with pytest.raises(TransientError):
        make().find(CONTACT)


def test_the_whole_record_is_posted_signed_and_with_its_key(make: Make, server: CrmServer) -> None:
    server.on(REPORT, Reply(202))
    make(secret=SECRET).deliver(_owed())
    sent = server.requests[0]
    assert sent.json() == _record().as_data()
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Idempotency-Key"] == f"{ATTEMPT}:record"
    at, _, signature = sent.headers["X-Callagent-Signature"].partition(",v1=")
    assert at == f"t={int(NOW.timestamp())}"
    signed = f"{int(NOW.timestamp())}.".encode() + sent.body
    assert signature == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def test_without_a_secret_nothing_is_signed(make: Make, server: CrmServer) -> None:
    server.on(REPORT, Reply(204, b""))
    make().deliver(_owed())
    assert "X-Callagent-Signature" not in server.requests[0].headers


def test_a_body_is_filled_from_its_template(make: Make, server: CrmServer) -> None:
    server.on(REPORT, Reply())
    body = {
        "outcome": "{disposition} after {duration_s} s",
        "seconds": "{duration_s}",
        "cost": "{cost_usd}",
        "note": "cost: {cost_usd}",
        "nested": {"list": ["{summary}", "{collected.best time}", "{collected.none}", 7, True]},
        "as it is": "{ } {Upper} {{disposition}",
        "{phone}": None,
    }
    make(report_body=body).deliver(_owed())
    assert server.requests[0].json() == {
        "outcome": "no_answer after 42.5 s",
        "seconds": 42.5,
        "cost": None,
        "note": "cost: ",
        "nested": {"list": ['said "yes"', "Tuesday", None, 7, True]},
        "as it is": "{ } {Upper} {no_answer",
        "{phone}": None,
    }


def test_a_value_that_looks_like_a_template_stays_as_it_is(make: Make, server: CrmServer) -> None:
    server.on(REPORT, Reply())
    make(report_body={"a": "{summary}!"}).deliver(_owed(summary="{phone} {collected.x}"))
    assert server.requests[0].json() == {"a": "{phone} {collected.x}!"}


def test_a_path_that_wants_the_id_looks_the_person_up(make: Make, server: CrmServer) -> None:
    server.on(FIND, Reply(body={"id": "p/9"}))
    server.on("POST /api/people/p/9/calls", Reply())
    crm = make(report_path="/people/{crm_id}/calls")
    crm.deliver(_owed())
    assert server.lines == [FIND, "POST /api/people/p/9/calls"]
    assert server.requests[1].raw_path == "/api/people/p%2F9/calls"
    assert server.requests[1].json()["crm_id"] == "p/9"
    crm.deliver(_owed(crm_id="p/9"))
    assert len(server.requests) == 3


def test_an_outcome_of_nobody_will_never_be_taken(make: Make, server: CrmServer) -> None:
    crm = make(report_body={"who": "{crm_id}"})
    with pytest.raises(ContactError, match="nobody who is clearly") as raised:
        crm.deliver(_owed())
    assert server.lines == [FIND]
    assert NUMBER not in _shown(raised.value)


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_that_would_lead_elsewhere_is_not_taken(
    value: str, make: Make, server: CrmServer
) -> None:
    with pytest.raises(ContactError, match="report_path"):
        make(report_path="/calls/{conversation_id}").deliver(_owed(conversation_id=value))
    assert server.requests == []


def test_a_repeat_has_the_same_key(make: Make, server: CrmServer) -> None:
    server.on(REPORT, LOST, Reply())
    crm = make()
    with pytest.raises(TransientError):
        crm.deliver(_owed())
    crm.deliver(_owed(tries=1))
    first, second = server.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


REFUSED, CONFIG, QUOTA = RefusalKind.CREDENTIALS, RefusalKind.CONFIG, RefusalKind.QUOTA


@pytest.mark.parametrize(
    ("status", "kind", "refusal"),
    [
        (301, ServiceRefused, CONFIG),
        (307, ServiceRefused, CONFIG),
        (400, ContactError, None),
        (401, ServiceRefused, REFUSED),
        (402, ServiceRefused, QUOTA),
        (403, ServiceRefused, REFUSED),
        (404, ServiceRefused, CONFIG),
        (405, ServiceRefused, CONFIG),
        (408, TransientError, None),
        (409, ContactError, None),
        (410, ServiceRefused, CONFIG),
        (413, ContactError, None),
        (422, ContactError, None),
        (425, TransientError, None),
        (429, ThrottledError, None),
        (500, TransientError, None),
        (502, TransientError, None),
        (503, TransientError, None),
        (524, TransientError, None),
    ],
)
def test_each_answer_to_a_report_means_one_thing(
    status: int,
    kind: type[ServiceError],
    refusal: RefusalKind | None,
    make: Make,
    server: CrmServer,
) -> None:
    elsewhere = {"Location": f"{server.url}/api/elsewhere", "Retry-After": "7"}
    server.on(REPORT, Reply(status, CANARY.encode(), elsewhere))
    with pytest.raises(kind) as raised:
        make().deliver(_owed())
    assert raised.value.http_status == status
    assert getattr(raised.value, "kind", None) == refusal
    assert raised.value.hint or refusal is None
    assert raised.value.retry_after_s == (7 if kind in (TransientError, ThrottledError) else None)
    assert server.lines == [REPORT]
    assert CANARY not in _shown(raised.value)
    assert KEY not in _shown(raised.value)


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_record_of_one_contact_is_that_contacts(
    status: int, make: Make, server: CrmServer
) -> None:
    server.on("POST /api/people/9/calls", Reply(status))
    with pytest.raises(ContactError):
        make(report_path="/people/{crm_id}/calls").deliver(_owed(crm_id="9"))


@pytest.mark.parametrize("status", [401, 429, 500])
def test_trouble_is_not_taken_for_nobody(status: int, make: Make, server: CrmServer) -> None:
    server.on(FIND, Reply(status, CANARY.encode()))
    with pytest.raises(ServiceError) as raised:
        make().find(CONTACT)
    assert not isinstance(raised.value, ContactError)
    assert NUMBER not in _shown(raised.value)


def test_a_wait_is_honoured_up_to_a_day(make: Make, server: CrmServer) -> None:
    server.on(REPORT, Reply(503, headers={"Retry-After": "99999999"}))
    with pytest.raises(TransientError) as raised:
        make().deliver(_owed())
    assert raised.value.retry_after_s == 86400


@pytest.mark.parametrize("part", ["properties", "engagement", ""])
def test_a_part_that_is_not_its_own_is_never_taken(
    part: str, make: Make, server: CrmServer
) -> None:
    with pytest.raises(ContactError):
        make().deliver(_owed(part=part))
    assert server.requests == []


def test_it_is_owed_an_outcome_where_there_is_a_path(make: Make) -> None:
    assert make().owes == ("record",)
    assert make(report_path=None).owes == ()


@pytest.mark.parametrize(
    ("setting", "value", "known"),
    [
        ("find_path", "/people?p={number}", "{phone}"),
        ("find_path", "/me", "{phone}"),
        ("report_path", "/calls/{x}", "attempt_id"),
        ("report_body", {"a": ["{disposion}"]}, "disposition"),
    ],
)
def test_a_name_that_cannot_be_filled_in_is_an_error_of_the_settings(
    setting: str, value: object, known: str, make: Make
) -> None:
    with pytest.raises(ConfigError, match=rf"services\.crm\.{setting}") as wrong:
        make(**{setting: value})
    assert known in wrong.value.hint


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(), HealthStatus.OK),
        (Reply(204, b""), HealthStatus.OK),
        (Reply(401), HealthStatus.MISCONFIGURED),
        (Reply(404), HealthStatus.MISCONFIGURED),
        (Reply(302), HealthStatus.MISCONFIGURED),
        (Reply(429), HealthStatus.DEGRADED),
        (Reply(503), HealthStatus.DOWN),
        (LOST, HealthStatus.DOWN),
    ],
)
def test_a_probe_says_what_is_wrong(
    reply: Reply, status: HealthStatus, make: Make, server: CrmServer
) -> None:
    server.on(HEALTH, reply)
    health = make(health_path="/up").probe()
    assert health.status is status
    assert server.lines == [HEALTH]
    assert health.remedy or status in (HealthStatus.OK, HealthStatus.DEGRADED)


def test_without_a_path_of_its_own_nothing_is_probed(make: Make, server: CrmServer) -> None:
    health = make().probe()
    assert health.status is HealthStatus.DEGRADED
    assert "services.crm.health_path" in health.remedy
    assert server.requests == []


def test_a_delivery_out_of_the_ledger_is_the_same_as_a_fresh_one(
    make: Make, server: CrmServer
) -> None:
    server.on(REPORT, Reply())
    (fresh,) = _owed()
    stored = Delivery(fresh.key, json.loads(json.dumps(fresh.payload)), NOW)
    crm = make()
    crm.deliver([fresh])
    crm.deliver([stored])
    assert server.requests[0].body == server.requests[1].body
