"""What surrounds the call, down on its own day: real servers, the program as a user has it."""

import csv
import json
import socket
import threading
from collections import Counter
from pathlib import Path

from tests.support import slow_telling
from tests.support.inbox import Inbox, Letter
from tests.support.site import Site
from tests.support.voice_provider import VoiceProvider

SECRET = "canary-webhook-secret"
CRM_KEY = "canary-crm-key-77"
BOT = "123456789:canary-bot-token-000000000000000000"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _site(folder: Path, provider: VoiceProvider, contacts: int, ports: dict[str, int]) -> Site:
    url = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    return Site(
        folder,
        provider,
        contacts,
        services=f"""
  crm:
    enabled: true
    kind: http
    base_url: {url["crm"]}
    find_path: "/people?phone={{phone}}"
    read: {{plan: plan}}
    report_path: /calls
    retry: {{initial_delay: 0.02, max_attempts: 1}}
""",
        more=f"""
alerts:
  webhook: {{enabled: true, url: "{url["webhook"]}/alerts"}}
  telegram: {{enabled: true, chat_id: 7, base_url: "{url["telegram"]}"}}
google_sheets: {{enabled: true, backend: csv}}
deliveries: {{flush_within: 5}}
""",
        CRM_API_KEY=CRM_KEY,
        WEBHOOK_SECRET=SECRET,
        TELEGRAM_BOT_TOKEN=BOT,
    )


def _ports(**inboxes: Inbox) -> dict[str, int]:
    return {name: int(inbox.url.rpartition(":")[2]) for name, inbox in inboxes.items()}


def _crm(letter: Letter) -> tuple[int, object]:
    if letter.method == "GET":
        return 200, {"id": f"crm-{letter.path[-2:]}", "plan": "gold"}
    return 201, {}


def test_the_end_of_a_campaign_is_told_also_while_its_last_delivery_still_is(
    tmp_path: Path,
) -> None:
    with VoiceProvider() as provider, Inbox(answer=_crm) as crm, Inbox() as hook, Inbox() as bot:
        site = _site(tmp_path, provider, 1, _ports(crm=crm, webhook=hook, telegram=bot))
        run = site.start("run", "people.csv", program=slow_telling.__name__)
        _, err = run.communicate(timeout=60)
        assert run.returncode == 0, err
    assert [letter.body["kind"] for letter in hook.letters] == ["campaign_finished"]


def test_outcomes_rows_and_alerts_arrive_while_the_campaign_runs(tmp_path: Path) -> None:
    with VoiceProvider() as provider, Inbox(answer=_crm) as crm, Inbox() as hook, Inbox() as bot:
        ports = _ports(crm=crm, webhook=hook, telegram=bot)
        summary = _site(tmp_path, provider, 5, ports).run()
    assert (summary["dialled"], summary["owed_to"], summary["dead_letters"]) == (5, {}, 0)
    assert all(
        call["conversation_initiation_client_data"]["dynamic_variables"]["plan"] == "gold"
        for call in provider.calls.values()
    )
    reports = [letter for letter in crm.letters if letter.method == "POST"]
    assert Counter(letter.body["crm_id"][:4] for letter in reports) == {"crm-": 5}
    assert {letter.body["disposition"] for letter in reports} == {"answered"}
    assert all(letter.headers["Authorization"] == f"Bearer {CRM_KEY}" for letter in crm.letters)
    assert [letter.body["kind"] for letter in hook.letters] == ["campaign_finished"]
    assert "X-Callagent-Signature" in hook.letters[0].headers
    assert ["is finished" in letter.body["text"] for letter in bot.letters] == [True]
    with (tmp_path / "logs" / "sheets_mirror.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["event"] for row in rows)["call.ended"] == 5
    assert len({row["key"] for row in rows}) == len(rows)


def test_with_everything_around_it_down_all_are_called_and_nothing_owed_is_lost(
    tmp_path: Path,
) -> None:
    ports = {name: _free_port() for name in ("crm", "webhook", "telegram")}
    with VoiceProvider() as provider:
        site = _site(tmp_path, provider, 50, ports)
        summary = site.run()
        assert summary["exit_status"] == 0
        assert provider.rung == dict.fromkeys(site.numbers, 1)
        assert summary["owed_to"]["crm"] == 50
        status, out, _ = site.call("deliveries", "list", "--json")
        owed = json.loads(out)["messages"]
        assert status == 0
        assert Counter(message["destination"] for message in owed) == summary["owed_to"]
        assert {message["state"] for message in owed} == {"owed"}
        assert site.call("deliveries", "flush", "--within", "2s")[0] == 4
        with (
            Inbox(ports["crm"], _crm) as crm,
            Inbox(ports["webhook"]) as hook,
            Inbox(ports["telegram"]) as bot,
        ):
            status, out, _ = site.call("deliveries", "flush", "--json")
            assert (status, json.loads(out)["owed_to"]) == (0, {})
            assert site.call("deliveries", "flush")[0] == 0, "nothing is left to deliver"
    reports = [letter for letter in crm.letters if letter.method == "POST"]
    in_order = [message["key"] for message in owed if message["destination"] == "crm"]
    assert [letter.key for letter in reports] == in_order
    assert len(set(in_order)) == 50
    alerts = [letter.body["id"] for letter in hook.letters]
    assert len(set(alerts)) == len(alerts) == len(bot.letters)


def test_a_dead_letter_is_shown_and_owed_again_by_hand(tmp_path: Path) -> None:
    def refuse_two(letter: Letter) -> tuple[int, object]:
        is_refused = letter.method == "POST" and letter.body["contact_id"] == "c2"
        return (422, {"error": "unknown person"}) if is_refused else _crm(letter)

    with VoiceProvider() as provider, Inbox(answer=refuse_two) as crm, Inbox() as other:
        port = int(other.url.rpartition(":")[2])
        ports = {"webhook": port, "telegram": port, "crm": int(crm.url.rpartition(":")[2])}
        site = _site(tmp_path, provider, 5, ports)
        summary = site.run()
        assert (summary["exit_status"], summary["owed_to"]) == (0, {})
        assert summary["dead_letters"] == 1
        assert "given up: 1 crm" in site.call("status")[1]
        (dead,) = json.loads(site.call("deliveries", "list", "--json")[1])["messages"]
        assert (dead["state"], dead["destination"]) == ("dead", "crm")
        assert site.call("deliveries", "retry", "999")[0] == 2
        assert site.call("deliveries", "retry", str(dead["id"]))[0] == 0
        crm.answer = _crm
        assert site.call("deliveries", "flush")[0] == 0
        assert [le.body["contact_id"] for le in crm.letters if le.method == "POST"][-1] == "c2"
        assert json.loads(site.call("deliveries", "list", "--json")[1]) == {"messages": []}


def test_killed_while_it_delivers_every_outcome_arrives_under_one_key(tmp_path: Path) -> None:
    reached = threading.Event()

    def answer(letter: Letter) -> tuple[int, object]:
        if len(crm.letters) > 30:
            reached.set()
        return _crm(letter)

    with VoiceProvider() as provider, Inbox(answer=answer) as crm, Inbox() as other:
        port = int(other.url.rpartition(":")[2])
        ports = {"webhook": port, "telegram": port, "crm": int(crm.url.rpartition(":")[2])}
        site = _site(tmp_path, provider, 40, ports)
        process = site.start("run", "people.csv", "--concurrency", "3")
        assert reached.wait(30)
        process.kill()
        process.communicate(timeout=30)
        summary = site.run()
        assert summary["owed_to"] == {}
    keys = Counter(letter.key for letter in crm.letters if letter.method == "POST")
    report = json.loads(site.call("report", "people", "--json")[1])
    ended = {
        f"{attempt['attempt_id']}:record"
        for contact in report["contacts"]
        for attempt in contact["attempts"]
        if attempt["state"] == "completed"
    }
    assert set(keys) == ended
    assert max(keys.values()) <= 2, "only what was on its way is sent again, under its key"
    assert sum(keys.values()) - len(keys) <= 1
