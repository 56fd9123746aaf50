"""Somebody asks to be left alone while a run is on."""

import json
from pathlib import Path

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
