"""Somebody asks to be left alone while a run is on."""

import json
from pathlib import Path

from callagent_cli.domain.clock import SystemClock
from callagent_cli.ledger.store import Ledger
from tests.support.inbox import Inbox, Letter
from tests.support.site import Site
from tests.support.voice_provider import VoiceProvider


def test_a_number_added_by_another_process_is_not_dialled_by_the_run_that_is_on(
    tmp_path: Path,
) -> None:
    site: Site

    def decide(dial: int) -> str:
        if dial == 3:  # its answer waits until two others are on the list
            status, _, err = site.call("dnc", "add", *site.numbers[6:8], "--by", "Kim")
            assert status == 0, err
        return "ok"

    with VoiceProvider(decide) as provider:
        site = Site(tmp_path, provider, 10)
        summary = site.run("--concurrency", "2")
        rung = dict(provider.rung)
    assert summary["totals"] == {"completed": 8, "skipped": 2}
    assert set(rung) == {*site.numbers[:6], *site.numbers[8:]}
    _, out, _ = site.call("why", site.numbers[6], "--json")
    told = json.loads(out)
    assert told["campaigns"][0]["attempts"] == []
    assert told["do_not_call"][0]["by"] == "Kim"


def test_a_number_added_between_its_claim_and_its_call_is_not_dialled(tmp_path: Path) -> None:
    """The CRM is asked about a person in between, and while it thinks they are listed."""
    wanted_out = "+12025550103"

    def look_up(letter: Letter) -> tuple[int, object]:
        if letter.method == "GET" and letter.path.endswith(wanted_out[-4:]):
            with Ledger.open(tmp_path / "state", clock=SystemClock()) as other:
                other.suppress(wanted_out, source="person", by="Kim")
        return 200, {"id": "crm-1"}

    with VoiceProvider() as provider, Inbox(answer=look_up) as crm:
        services = f"""
  crm: {{enabled: true, kind: http, base_url: "{crm.url}", find_path: "/people?phone={{phone}}"}}
"""
        site = Site(tmp_path, provider, 6, services=services, CRM_API_KEY="canary-crm-key-12")
        summary = site.run("--concurrency", "2")
        rung = set(provider.rung)
    assert summary["totals"] == {"completed": 5, "skipped": 1}
    assert rung == set(site.numbers) - {wanted_out}
