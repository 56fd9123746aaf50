"""All services of the sandbox together: routing, one clock, one seed, one plan."""

import json
import smtplib
import urllib.request
from contextlib import closing
from datetime import UTC, datetime

import pytest
import requests

from callagent_cli.domain.clock import SystemClock
from callagent_cli.simulator.exchange import WorldRequest
from callagent_cli.simulator.faults import SERVICES, FaultKind, FaultPlan, parse_faults
from callagent_cli.simulator.reception import Arrival
from callagent_cli.simulator.sandbox import (
    CRM,
    LLM,
    SHEETS,
    TELEGRAM,
    VOICE_URL,
    WEBHOOK,
    Address,
    Sandbox,
)
from callagent_cli.simulator.server import serve
from callagent_cli.simulator.transport import session_of
from callagent_cli.simulator.virtual_clock import VirtualClock
from tests.support.sandbox_caller import SandboxCaller
from tests.support.world_caller import CONVERSATIONS, TWILIO, dial_body

BEARER = {"Authorization": "Bearer sandbox"}
VOICE = {"xi-api-key": "sandbox"}
READS: tuple[
    tuple[Address, str, dict[str, str]], ...
] = (  # (where, path, headers) of a read that each service answers with 200
    (CRM, "/crm/v3/objects/contacts", BEARER),
    (LLM, "/v1/models", BEARER),
    (TELEGRAM, "/bot100000:sandbox/getMe", {}),
    (WEBHOOK, "/", {}),
    (SHEETS, "/v4/spreadsheets/sheet_sandbox", {}),
)


def test_each_host_is_its_service(clock: VirtualClock) -> None:
    sandbox = Sandbox(clock, seed=1)
    with session_of(sandbox, clock) as session:
        for address, path, headers in READS:
            assert session.get(address.url + path, headers=headers, timeout=9).status_code == 200
        voice = session.post(VOICE_URL + TWILIO, json=dial_body(), headers=VOICE, timeout=9)
    assert voice.json()["success"] is True
    assert [len(reception.visits) for reception in sandbox.receptions] == [1, 1, 1, 1, 1, 0]
    assert sandbox.voice.requests.total() == 1


def test_each_prefix_of_the_served_sandbox_is_its_service() -> None:
    sandbox = Sandbox(SystemClock(), seed=1)
    with closing(serve(sandbox)) as server:
        for address, path, headers in READS:
            url = f"{server.url}/{address.prefix}{path}"
            assert requests.get(url, headers=headers, timeout=9).status_code == 200
        assert requests.get(server.url + CONVERSATIONS, headers=VOICE, timeout=9).ok
    assert [len(reception.visits) for reception in sandbox.receptions] == [1, 1, 1, 1, 1, 0]


def test_host_header_of_the_served_sandbox_chooses_too() -> None:
    with closing(serve(Sandbox(SystemClock(), seed=1))) as server:
        headers = {**BEARER, "Host": f"{LLM.host}:443"}
        asked = urllib.request.Request(f"{server.url}/v1/models", headers=headers)
        with urllib.request.urlopen(asked, timeout=9) as answer:
            assert json.load(answer)["object"] == "list"


def test_query_and_escapes_survive_the_prefix() -> None:
    sandbox = Sandbox(SystemClock(), seed=1)
    sandbox.crm.people.add("7", email="a+b@example.com", firstname="Ada")
    with closing(serve(sandbox)) as server:
        path = "/hubspot/crm/v3/objects/contacts/a%2Bb%40example.com"
        query = "?idProperty=email&properties=firstname"
        told = requests.get(server.url + path + query, headers=BEARER, timeout=9).json()
    assert (told["id"], told["properties"]["firstname"]) == ("7", "Ada")


def test_mail_is_one_of_the_services_and_closes_with_them(clock: VirtualClock) -> None:
    sandbox = Sandbox(clock, seed=1, faults=FaultPlan(parse_faults("smtp:429@0-60")))
    with closing(sandbox):
        server = sandbox.mail()
        assert sandbox.mail() is server
        refused = []
        for _ in range(2):
            with smtplib.SMTP(server.host, server.port, timeout=20) as line:
                try:
                    line.sendmail("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\nx")
                except smtplib.SMTPResponseException as error:
                    refused.append(error.smtp_code)
            clock.signal().wait(60)
    assert refused == [451]
    assert len(server.mails) == 1
    with pytest.raises(OSError, match="refused"):
        smtplib.SMTP(server.host, server.port, timeout=20)


def test_sandbox_without_mail_starts_no_server(clock: VirtualClock) -> None:
    sandbox = Sandbox(clock, seed=1)
    sandbox.close()
    assert sandbox.receptions[-1].service == "smtp"


def test_fault_of_one_service_leaves_the_others_alone(clock: VirtualClock) -> None:
    for address, _, _ in READS:
        service = "crm" if address is CRM else address.prefix
        sandbox = Sandbox(clock, seed=1, faults=FaultPlan(parse_faults(f"{service}@0")))
        for other, path, headers in READS:
            told = sandbox.handle(WorldRequest("GET", other.url + path, headers))
            assert told.status == (503 if other is address else 200)


def test_all_is_every_service_each_with_its_own_beginning(clock: VirtualClock) -> None:
    faults = parse_faults("all")
    assert tuple(fault.service for fault in faults) == SERVICES
    begins = {fault.service: (fault.from_dial, fault.lasts_s) for fault in faults}
    assert begins == {
        "elevenlabs": (5, 95.0),
        "crm": (4, 300.0),
        "llm": (3, 300.0),
        "sheets": (2, 300.0),
        "telegram": (1, 95.0),
        "webhook": (1, 95.0),
        "smtp": (1, 95.0),
    }
    timed = parse_faults(" All:429@60-155")
    assert {(fault.kind, fault.from_s, fault.to_s) for fault in timed} == {
        (FaultKind.BUSY, 60.0, 155.0)
    }
    assert parse_faults("crm:401")[0].service == "crm"


def test_same_seed_and_same_requests_give_the_same_records() -> None:
    def records(seed: int) -> tuple[list[list[Arrival]], str]:
        clock = _new_clock()
        sandbox = Sandbox(clock, seed=seed, faults=FaultPlan(parse_faults("all")))
        crm, llm = (SandboxCaller(sandbox, address.url, BEARER) for address in (CRM, LLM))
        hook = SandboxCaller(sandbox, WEBHOOK.url)
        for k in range(8):
            one = {"propertyName": "hs_searchable_calculated_phone_number", "operator": "EQ"}
            search = {"filterGroups": [{"filters": [{**one, "value": f"20255501{k:02d}"}]}]}
            crm.ask("POST", "/crm/v3/objects/contacts/search", search)
            messages = [{"role": "user", "content": f'{{"name": "N{k}"}}'}]
            llm.ask("POST", "/v1/chat/completions", {"model": "m", "messages": messages})
            hook.ask("POST", "/alerts", {"n": k}, {"Idempotency-Key": f"k{k}"})
            clock.signal().wait(60)
        words = "".join(completion.content for completion in sandbox.llm.completions)
        people = [properties for _, properties in sandbox.crm.people.all()]
        return [reception.arrivals for reception in sandbox.receptions], words + str(people)

    assert records(1) == records(1)
    assert records(1)[1] != records(2)[1]


def _new_clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 11, 23, 18, 0, tzinfo=UTC), patience_s=0.3)
