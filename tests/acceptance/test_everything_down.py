"""CRM, LLM, sheet and every alert channel down from the start, on simulated time: nobody waits
for them, nothing they were owed is lost; once back, each message arrives once, in order."""

from collections.abc import Iterator
from contextlib import closing
from itertools import groupby

import pytest

from callagent_cli.domain.contact import Contact
from callagent_cli.domain.event import EventName
from callagent_cli.simulator.faults import FaultPlan, parse_faults
from tests.support.rehearsal import Played, play

AROUND = frozenset({"crm", "llm", "sheets", "telegram", "webhook", "smtp"})
BACK_AFTER_S = 36_000
SEED = 5  # of calls that all go through: a call that fails would end the run with status 3
PEOPLE = [
    Contact(
        f"c{n}", f"+1202555{100 + n:04d}", f"Name {n}", timezone="America/New_York", line=n + 2
    )
    for n in range(50)
]


def _plan(kind: str) -> FaultPlan:
    texts = (f"{service}{kind}@0-{BACK_AFTER_S}" for service in sorted(AROUND))
    return FaultPlan([fault for text in texts for fault in parse_faults(text)])


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("well")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        played = play(folder, FaultPlan(), PEOPLE, services=AROUND, seed=SEED)
    with closing(played):
        yield played


@pytest.fixture(scope="module", params=["", ":429", ":timeout", ":garbage"])
def down(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("down")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        played = play(folder, _plan(request.param), PEOPLE, services=AROUND, seed=SEED)
    with closing(played):
        yield played


def test_all_are_called_and_as_quickly_as_with_all_of_them_well(
    down: Played, well: Played
) -> None:
    assert down.summary.exit_status == well.summary.exit_status == 0
    assert len(down.dials_at_s) == len(well.dials_at_s) == 50
    rate_well, rate_down = (50 / (p.dials_at_s[-1] - p.dials_at_s[0]) for p in (well, down))
    assert rate_down >= 0.95 * rate_well, (rate_down, rate_well)


def test_with_all_of_them_well_nothing_is_owed_at_the_end(well: Played) -> None:
    assert well.summary.owed_to == {}
    assert well.summary.dead_letters == 0
    assert not [e for e in well.events if e.name is EventName.FALLBACK_USED]


def test_what_was_done_without_is_told(down: Played) -> None:
    told = {e.fields["service"] for e in down.events if e.name is EventName.FALLBACK_USED}
    assert told == {"crm", "llm"}


def test_once_they_are_back_everything_owed_arrives_once_and_in_order(down: Played) -> None:
    sandbox = down.outside.sandbox
    assert sandbox is not None
    owed = [m for m in down.ledger.list_messages("owed") if m.destination in ("crm", "sheets")]
    assert len([m for m in owed if m.destination == "crm"]) == 100, "properties and engagements"
    down.clock.signal().wait(BACK_AFTER_S)
    assert down.flush() == {}
    assert sum(down.ledger.owed_by_destination("dead").values()) == 0
    rows = next(r for r in sandbox.receptions if r.service == "sheets").keys("row")
    assert len(set(rows)) == len(rows)
    calls = next(r for r in sandbox.receptions if r.service == "crm").keys("calls")
    assert len(calls) == len(set(calls)) == 50
    in_order = [
        m.key.partition(":")[0]
        for m in down.ledger.list_messages("sent")
        if m.destination == "crm" and m.key.endswith("engagement")
    ]
    assert calls == in_order
    events = next(r for r in sandbox.receptions if r.service == "webhook").keys("event")
    assert len(set(events)) == len(events)


def test_each_outage_is_told_once_a_channel(down: Played) -> None:
    """Alerts wait for their channel; among what it was owed no outage begins twice."""
    sent = [m.key for m in down.ledger.list_messages("owed", "sent") if m.destination == "webhook"]
    opened = sorted(key.split(":")[1] for key in sent if key.startswith("incident_opened"))
    assert [service for service, _ in groupby(opened)] == opened
