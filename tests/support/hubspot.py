"""HubSpot on loopback: each request that it is sent is held against its contract."""

import json
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema

from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.contact import Contact
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import ServiceError
from callagent_cli.services.crm_hubspot import HubSpot
from callagent_cli.services.http_session import HttpSession, Timeouts
from tests.support.crm_server import CrmServer, Reply, Request
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


@contextmanager
def hubspot_server() -> Iterator[CrmServer]:
    with CrmServer() as running:
        yield running
    for request in running.requests:
        _check_against_contract(request)
        assert request.headers["Authorization"] == f"Bearer {KEY}"


def maker(server: CrmServer, clock: HandClock) -> Make:
    """Builds clients of the server; neither reads nor writes properties unless it is told to."""

    def build(**settings: Any) -> HubSpot:
        limits = Timeouts(connect_s=2, read_s=5, total_s=5)
        headers = {"Authorization": f"Bearer {KEY}"}
        session = HttpSession("crm", server.url, headers=headers, timeouts=limits, clock=clock)
        return HubSpot(session, **{"clock": clock, "read": {}, "write": {}, **settings})

    return build


def person(crm_id: str = "123", /, **properties: str | None) -> dict[str, Any]:
    return {"id": crm_id, "properties": {"phone": NUMBER, **properties}}


def found(*people: dict[str, Any], **more: object) -> Reply:
    return Reply(body={"total": len(people), "results": list(people), **more})


def example(name: str, which: str) -> object:
    content = CONTRACT["components"]["responses"][name]["content"]["application/json"]
    return content["examples"][which]["value"]


def record(**changes: Any) -> CallRecord:
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


def owed(part: str, *, tries: int = 0, at: datetime = NOW, **changes: Any) -> list[Delivery]:
    payload = json.loads(json.dumps({"part": part, "record": record(**changes).as_data()}))
    return [Delivery(f"{ATTEMPT}:{part}", payload, at, tries)]


def limit(policy: str) -> dict[str, str]:
    return {"status": "error", "message": CANARY, "errorType": "RATE_LIMIT", "policyName": policy}


def shown(error: ServiceError) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + error.hint
