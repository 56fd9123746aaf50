"""The verdicts: each promise, kept and broken, told from records made by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callagent_cli.domain.event import Event, EventName, FieldValue, Level
from callagent_cli.simulator.evidence import (
    Around,
    SeenArrival,
    SeenDial,
    SeenOutage,
    around_of,
)
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.reception import Reception
from callagent_cli.simulator.verdicts import Verdict, judge
from callagent_cli.simulator.virtual_clock import VirtualClock

E = EventName
BEGAN = datetime(2026, 1, 5, 18, tzinfo=UTC)
CALL_S = 40.0


def told(at_s: float, name: EventName, **fields: FieldValue) -> Event:
    return Event(name, BEGAN + timedelta(seconds=at_s), Level.INFO, fields)


def number(k: int) -> str:
    return f"+1202555{100 + k:04d}"


class Story:
    """A campaign on one line in which nothing goes wrong, until a test makes it."""

    def __init__(self, calls: int = 10) -> None:
        self.dials: list[SeenDial] = []
        self.events = [told(0, E.RUN_STARTED)]
        for k in range(calls):
            self.call(k, k * CALL_S)

    def call(self, k: int, at_s: float) -> None:
        self.dials.append(SeenDial(at_s, number(k), f"ca_{k}", was_placed=True))
        self.events += [
            told(at_s, E.CALL_PLACED, contact_id=f"c{k}", attempt_id=f"ca_{k}"),
            told(at_s + CALL_S, E.CALL_ENDED, contact_id=f"c{k}", attempt_id=f"ca_{k}"),
        ]

    def tell(self, at_s: float, name: EventName, **fields: FieldValue) -> None:
        self.events.append(told(at_s, name, **fields))

    def alert(self, at_s: float, channel: str, kind: str, service: str, since: str = "t") -> None:
        key = f"{kind}:{service}:{since}"
        self.tell(at_s, E.ALERT_SENT, channel=channel, kind=kind, alert_key=key)

    def judge(self, around: Around | None = None, calls: int = 10) -> dict[str, Verdict]:
        verdicts = judge(
            self.dials,
            sorted(self.events, key=lambda event: event.at),
            numbers=[number(k) for k in range(calls)],
            in_review=0,
            waiting=0,
            back_off_s=(5.0, 10.0, 20.0),
            around=around,
        )
        assert len({verdict.promise for verdict in verdicts}) == len(verdicts)
        return {verdict.promise: verdict for verdict in verdicts}


def outage(service: str, began_s: float = 100, ended_s: float | None = 300) -> SeenOutage:
    return SeenOutage(service, began_s, ended_s, failed=5)


def arrivals(service: str, kind: str, keys: Sequence[str], at_s: float = 400) -> list[SeenArrival]:
    return [SeenArrival(at_s + n, service, kind, key) for n, key in enumerate(keys)]


ONCE = [f"ca_{k}" for k in range(10)]
TWICE, REACHED = "nobody is called twice", "every contact is reached exactly once"


def test_campaign_in_which_nothing_fails_is_judged_by_two_promises() -> None:
    verdicts = Story().judge(Around())
    assert set(verdicts) == {TWICE, REACHED}
    assert all(verdict.holds for verdict in verdicts.values())


def test_phone_that_rings_twice_breaks_the_promise() -> None:
    story = Story()
    story.call(3, 500)
    verdicts = story.judge()
    assert not verdicts[TWICE].holds
    assert not verdicts[REACHED].holds


@pytest.mark.parametrize(
    ("disposition", "attempt_id", "at_s", "holds"),
    [
        ("busy", "ca_3b", 900, True),
        ("answered", "ca_3b", 900, False),
        ("busy", "ca_3", 900, False),
        ("busy", "ca_3b", 130, False),
    ],
)
def test_redial_is_due_only_when_the_last_call_is_known_to_have_reached_nobody(
    disposition: str, attempt_id: str, at_s: float, holds: bool
) -> None:
    story = Story()
    story.events = [
        replace(event, fields={**event.fields, "disposition": disposition})
        for event in story.events
    ]
    story.dials.append(SeenDial(at_s, number(3), attempt_id, was_placed=True))
    story.dials.sort(key=lambda dial: dial.at_s)
    verdicts = story.judge()
    assert verdicts[TWICE].holds is holds
    assert verdicts[REACHED].holds is holds
    if holds:
        assert verdicts[TWICE].evidence == "10 calls, at most 1 a number, 1 redials"


def test_breaker_of_another_service_is_not_the_diallers() -> None:
    story = Story()
    story.tell(100, E.BREAKER_OPENED, service="crm", is_retrip=False, is_forced=True, error="401")
    story.tell(100, E.RETRY_SCHEDULED, service="crm", attempt_id="ca_2", next_retry_s=1.0)
    story.alert(101, "terminal", "refused", "crm")
    verdicts = story.judge()
    assert set(verdicts) == {TWICE, REACHED, ALERTS}
    assert all(verdict.holds for verdict in verdicts.values()), verdicts


@pytest.mark.parametrize(("ends_at_s", "holds"), [(190.0, True), (500.0, False)])
def test_open_breaker_is_shut_until_its_run_ends(ends_at_s: float, holds: bool) -> None:
    story = Story()
    story.tell(190, E.BREAKER_OPENED, service="elevenlabs", is_retrip=False)
    story.tell(ends_at_s, E.RUN_FINISHED, exit_status=4)
    story.tell(510, E.BREAKER_CLOSED, service="elevenlabs")
    assert story.judge()["an open breaker lets no dial through"].holds is holds


# the calls go on

GO_ON = "the calls go on without the CRM"


def test_calls_that_follow_one_another_go_on() -> None:
    verdict = Story().judge(Around([outage("crm")]))[GO_ON]
    assert verdict.holds
    assert "5 dials in an outage from 100 to 300 s" in verdict.evidence
    assert "0 s in all (0.0 % of the campaign)" in verdict.evidence


def late_story(by_s: float, service: str = "crm") -> dict[str, Verdict]:
    story = Story(calls=4)
    for k in range(4, 10):
        story.call(k, k * CALL_S + by_s)
    return story.judge(Around([outage(service)]))


@pytest.mark.parametrize(("by_s", "holds"), [(1.0, True), (11.0, True), (11.1, False)])
def test_call_waits_for_the_crm_no_longer_than_it_may(by_s: float, holds: bool) -> None:
    assert late_story(by_s)[GO_ON].holds is holds


def test_nobody_waits_for_a_sheet() -> None:
    verdict = late_story(2.0, "sheets")["the calls go on without the sheet"]
    assert not verdict.holds
    assert "a line waited 2 s at most" in verdict.evidence


def test_wait_before_the_outage_is_not_its_doing() -> None:
    story = Story(calls=1)
    for k in range(1, 10):
        story.call(k, k * CALL_S + 30)
    assert story.judge(Around([outage("sheets")]))["the calls go on without the sheet"].holds


def test_wait_for_the_dialler_is_not_the_crms_doing() -> None:
    story = Story(calls=4)
    story.tell(161, E.REQUEST_FAILED, service="elevenlabs", attempt_id="ca_4")
    for k in range(4, 10):
        story.call(k, k * CALL_S + 35)
    assert story.judge(Around([outage("crm")]))[GO_ON].holds


def test_wait_between_two_runs_is_nobodys_doing() -> None:
    story = Story(calls=4)
    story.tell(161, E.RUN_FINISHED, exit_status=0)
    story.tell(260, E.RUN_STARTED)
    for k in range(4, 10):
        story.call(k, k * CALL_S + 100)
    assert story.judge(Around([outage("crm")]))[GO_ON].holds


def test_outage_in_which_nobody_was_to_be_called_is_no_test() -> None:
    assert GO_ON not in Story().judge(Around([outage("crm", 500, 600)]))


def test_two_lines_wait_each_for_itself() -> None:
    story = Story(calls=0)
    for k in range(0, 10, 2):
        story.call(k, k * CALL_S)
        story.call(k + 1, k * CALL_S + 20)  # another line, half a call later
    assert not story.judge(Around([outage("sheets")]))["the calls go on without the sheet"].holds
    story = Story(calls=0)
    for k in range(0, 10, 2):
        story.call(k, k / 2 * CALL_S)
        story.call(k + 1, k / 2 * CALL_S + 20)
    assert story.judge(Around([outage("sheets", 50)]))["the calls go on without the sheet"].holds


# fallback.used

FALLBACK = "a call made without the LLM is told as such"


@pytest.mark.parametrize(("told_of", "holds"), [(range(4, 9), True), (range(5, 9), False)])
def test_each_call_without_the_llm_is_told(told_of: range, holds: bool) -> None:
    story = Story()
    for k in told_of:
        story.tell(k * CALL_S, E.FALLBACK_USED, service="llm", contact_id=f"c{k}")
    verdict = story.judge(Around([outage("llm", 130, 340)]))[FALLBACK]
    assert verdict.holds is holds
    assert verdict.evidence == f"{len(told_of)} told, {0 if holds else 1} not"


def test_another_services_fallback_does_not_count() -> None:
    story = Story()
    for k in range(10):
        story.tell(k * CALL_S, E.FALLBACK_USED, service="crm", contact_id=f"c{k}")
    assert not story.judge(Around([outage("llm")]))[FALLBACK].holds


# what is owed

CRM_GETS = "everything owed to the CRM arrives once it is back, once and in order"
CRM_KEEPS = "nothing owed to the CRM is lost, and nothing comes twice"


@pytest.mark.parametrize(
    ("keys", "holds"),
    [
        (ONCE, True),
        (ONCE[:-1], False),
        ([*ONCE, "ca_3"], False),
        ([ONCE[1], ONCE[0], *ONCE[2:]], False),
    ],
)
def test_crm_gets_each_call_once_and_in_order(keys: list[str], holds: bool) -> None:
    around = Around([outage("crm")], arrivals("crm", "calls", keys))
    assert Story().judge(around)[CRM_GETS].holds is holds


def test_what_is_owed_still_has_not_arrived() -> None:
    around = Around([outage("crm")], arrivals("crm", "calls", ONCE), {"crm": 1})
    assert not Story().judge(around)[CRM_GETS].holds


@pytest.mark.parametrize(("owed", "holds"), [({"crm": 8}, True), ({}, False)])
def test_crm_that_never_comes_back_is_owed_the_rest(owed: dict[str, int], holds: bool) -> None:
    around = Around([outage("crm", 100, None)], arrivals("crm", "calls", ONCE[:2], 40), owed)
    verdicts = Story().judge(around)
    assert CRM_GETS not in verdicts
    assert verdicts[CRM_KEEPS].holds is holds
    assert "2 of 10 came" in verdicts[CRM_KEEPS].evidence


@pytest.mark.parametrize(
    ("more", "holds"), [([], True), (["run_1:7"], False), (["run_1:8"], True)]
)
def test_no_row_stands_twice_in_the_sheet(more: list[str], holds: bool) -> None:
    keys = ["run_1:7", *(f"{key}:call.ended" for key in ONCE), *more]
    around = Around([outage("sheets")], arrivals("sheets", "row", keys))
    promise = "everything owed to the sheet arrives once it is back, once and in order"
    assert Story().judge(around)[promise].holds is holds


def alerted(channel: str) -> Story:
    story = Story()
    for n, kind in enumerate(("incident_opened", "incident_recovered")):
        for name in ("terminal", channel):
            story.alert(100 + n, name, kind, "elevenlabs")
    story.alert(102, "terminal", "incident_opened", channel)
    return story


@pytest.mark.parametrize(
    ("keys", "lost", "holds"),
    [
        (["a", "b"], 0, True),
        (["a"], 0, False),
        (["a", "b", "b"], 0, False),
        (["a", "b", "b"], 1, True),
    ],
)
def test_bot_gets_every_alert_but_its_own(keys: list[str], lost: int, holds: bool) -> None:
    down = replace(outage("telegram"), lost=lost)
    around = Around([down], arrivals("telegram", "message", keys))
    promise = "everything owed to Telegram arrives once it is back, once and in order"
    verdict = alerted("telegram").judge(around)[promise]
    assert verdict.holds is holds
    assert verdict.evidence.startswith(f"{len(set(keys))} of 2 came")


@pytest.mark.parametrize("is_in_order", [True, False])
def test_receiver_gets_alerts_in_order(is_in_order: bool) -> None:
    keys = ["incident_opened:elevenlabs:t", "incident_recovered:elevenlabs:t"]
    came = arrivals("webhook", "event", keys if is_in_order else keys[::-1])
    promise = "everything owed to the webhook arrives once it is back, once and in order"
    assert (
        alerted("webhook").judge(Around([outage("webhook")], came))[promise].holds is is_in_order
    )


# alerts

ALERTS = "one alert when an incident begins and one when it ends"


def incident(story: Story, service: str, *, ends: bool = True) -> None:
    story.tell(100, E.BREAKER_OPENED, service=service, is_retrip=False, is_forced=False)
    story.tell(160, E.BREAKER_OPENED, service=service, is_retrip=True, is_forced=False)
    if ends:
        story.tell(200, E.BREAKER_CLOSED, service=service)


def test_each_channel_tells_each_incident_once() -> None:
    story = Story()
    for service in ("crm", "llm"):
        incident(story, service)
        for channel in ("email", "telegram"):
            story.alert(101, channel, "incident_opened", service)
            story.alert(201, channel, "incident_recovered", service)
    assert story.judge()[ALERTS].holds
    story.alert(150, "email", "incident_opened", "crm")
    verdict = story.judge()[ALERTS]
    assert not verdict.holds
    assert "email 2 + 1 of crm" in verdict.evidence


def test_incident_that_nobody_was_told_the_end_of() -> None:
    story = Story()
    incident(story, "crm")
    story.alert(101, "email", "incident_opened", "crm")
    assert not story.judge()[ALERTS].holds


def test_incident_that_goes_on_has_no_end_to_tell() -> None:
    story = Story()
    incident(story, "crm", ends=False)
    story.alert(101, "email", "incident_opened", "crm")
    assert story.judge()[ALERTS].holds


def test_channel_is_not_told_of_its_own_trouble_through_itself() -> None:
    story = Story()
    incident(story, "telegram")
    for kind in ("incident_opened", "incident_recovered"):
        story.alert(250, "terminal", kind, "telegram")
    story.alert(300, "telegram", "campaign_finished", "")
    assert story.judge()[ALERTS].holds


def test_channel_that_is_down_to_the_end_is_not_asked() -> None:
    story = Story()
    incident(story, "crm")
    for kind in ("incident_opened", "incident_recovered"):
        story.alert(250, "terminal", kind, "crm")
    story.alert(50, "email", "call_failed", "crm")
    assert not story.judge()[ALERTS].holds
    assert story.judge(Around([outage("smtp", 90, None)]))[ALERTS].holds


def test_incident_that_outlives_the_run_is_one() -> None:
    story = Story()
    for at_s in (100, 700, 1000):  # each run meets it anew
        story.tell(at_s, E.BREAKER_OPENED, service="crm", is_retrip=False, is_forced=True)
    story.alert(101, "email", "refused", "crm")
    assert story.judge()[ALERTS].holds
    story.tell(1300, E.SERVICE_ANSWERED, service="crm")
    assert not story.judge()[ALERTS].holds
    story.alert(1301, "email", "incident_recovered", "crm")
    assert story.judge()[ALERTS].holds


def test_end_on_probation_is_no_end_before_it_is_proved() -> None:
    story = Story()
    story.tell(100, E.BREAKER_OPENED, service="crm", is_retrip=False)
    story.tell(160, E.BREAKER_CLOSED, service="crm", is_on_probation=True)
    story.tell(170, E.BREAKER_OPENED, service="crm", is_retrip=True)
    story.tell(230, E.BREAKER_CLOSED, service="crm", is_on_probation=True)
    for kind in ("incident_opened", "incident_recovered"):
        story.alert(240, "email", kind, "crm")
    assert story.judge()[ALERTS].holds


def test_refusal_in_an_outage_is_told_too() -> None:
    story = Story()
    story.tell(100, E.BREAKER_OPENED, service="crm", is_retrip=False, is_forced=False)
    story.tell(160, E.BREAKER_OPENED, service="crm", is_retrip=True, is_forced=True)
    story.alert(101, "email", "incident_opened", "crm")
    assert not story.judge()[ALERTS].holds
    story.alert(161, "email", "refused", "crm")
    assert story.judge()[ALERTS].holds


def test_incident_without_any_alert_is_a_broken_promise() -> None:
    story = Story()
    incident(story, "crm")
    assert not story.judge()[ALERTS].holds


# from the records to the evidence


def test_records_become_outages_and_arrivals(clock: VirtualClock) -> None:
    began = clock.now()
    plan = FaultPlan(
        [
            Fault("crm", FaultKind.UNAVAILABLE, 10, 30),
            Fault("crm", FaultKind.TIMEOUT, 50, 60),
            Fault("llm", FaultKind.CREDENTIALS, 20),
        ]
    )
    crm, llm, hook = (Reception(name, clock, plan) for name in ("crm", "llm", "webhook"))
    for _ in range(7):
        for reception in (crm, llm, hook):
            reception.meet("GET /", is_work=False)
        clock.signal().wait(10)
    hook.keep("event", "k")
    around = around_of((crm, llm, hook), began, still_owed={"crm": 2}, waits_s={"crm": 3.0})
    assert around.outages == [
        SeenOutage("crm", 10, 30, failed=2),
        SeenOutage("llm", 20, None, failed=5),
        SeenOutage("crm", 50, 60, failed=1, lost=1),
    ]
    assert around.arrivals == [SeenArrival(70, "webhook", "event", "k")]
    assert around.failing == ["crm", "llm"]
    assert (around.still_owed, around.waits_s) == ({"crm": 2}, {"crm": 3.0})
