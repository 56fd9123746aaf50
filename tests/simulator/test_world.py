"""The world: calls that go on with time, told in the vendor's words."""

from collections import Counter
from typing import Any

import pytest

from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.virtual_clock import VirtualClock
from callagent_cli.simulator.world import AnswerLost, World
from tests.support.world_caller import (
    CONVERSATIONS,
    SIP,
    TWILIO,
    WorldCaller,
    client_data,
    dial_body,
)

A_DAY_S = 86400.0


def pass_time(clock: VirtualClock, seconds: float) -> None:
    clock.signal().wait(seconds)


def place_many(caller: WorldCaller, n: int) -> list[str]:
    return [caller.place(f"+1202{5550000 + k}") for k in range(n)]


def phases(caller: WorldCaller, clock: VirtualClock, conversation_id: str) -> list[Any]:
    """(status, seconds it lasted) until the day is over."""
    seen: list[list[Any]] = []
    for _ in range(300):
        status = caller.read(conversation_id)["status"]
        if not seen or seen[-1][0] != status:
            seen.append([status, 0])
        seen[-1][1] += 1
        pass_time(clock, 1)
    return seen


def test_answered_call_rings_talks_is_processed_and_is_done(
    caller: WorldCaller, clock: VirtualClock
) -> None:
    ids = place_many(caller, 12)
    pass_time(clock, A_DAY_S)
    ended = {i: caller.read(i)["metadata"]["phone_call"]["call_result"] for i in ids}
    number = caller.read(next(i for i in ids if ended[i] == "answered"))["metadata"]
    again = WorldCaller(World(clock, seed=1))
    call = again.place(number["phone_call"]["external_number"])
    lasted = phases(again, clock, call)
    assert [status for status, _ in lasted] == ["initiated", "in-progress", "processing", "done"]
    ring, talk, processing = (seconds for _, seconds in lasted[:3])
    assert 4 <= ring <= 20
    assert 15 <= talk <= 120
    assert 2 <= processing <= 5


def test_done_call_has_cost_summary_times_and_both_voices(
    caller: WorldCaller, clock: VirtualClock
) -> None:
    ids = place_many(caller, 12)
    pass_time(clock, A_DAY_S)
    done = [caller.read(i) for i in ids]
    answered = [c for c in done if c["metadata"]["phone_call"]["call_result"] == "answered"]
    assert answered
    for call in answered:
        meta = call["metadata"]
        assert meta["cost"] > 0
        assert meta["cost_fiat"] > 0
        assert meta["call_duration_secs"] > 0
        assert meta["accepted_time_unix_secs"] > meta["start_time_unix_secs"]
        assert call["analysis"]["transcript_summary"]
        assert [turn["role"] for turn in call["transcript"]] == ["agent", "user"]


def test_call_that_still_rings_has_neither_cost_nor_result(caller: WorldCaller) -> None:
    call = caller.read(caller.place())
    assert call["status"] == "initiated"
    assert call["transcript"] == []
    assert call["analysis"] is None
    assert call["metadata"]["cost"] is None
    assert call["metadata"]["accepted_time_unix_secs"] is None
    assert call["metadata"]["phone_call"]["call_result"] is None


def test_mix_of_endings_is_about_as_said(caller: WorldCaller, clock: VirtualClock) -> None:
    ids = place_many(caller, 2000)
    pass_time(clock, A_DAY_S)
    endings = Counter(
        "no_answer"
        if call["status"] == "initiated"
        else call["metadata"]["phone_call"]["call_result"]
        for call in map(caller.read, ids)
    )
    shares = {"answered": 0.62, "no_answer": 0.15, "busy": 0.08, "voicemail": 0.12, "failed": 0.03}
    assert endings.keys() == shares.keys()
    for ending, share in shares.items():
        assert endings[ending] / 2000 == pytest.approx(share, abs=0.03)


def test_failed_call_says_why_and_voicemail_is_detected(
    caller: WorldCaller, clock: VirtualClock
) -> None:
    ids = place_many(caller, 150)
    pass_time(clock, A_DAY_S)
    by_result: dict[str, Any] = {}
    for call in map(caller.read, ids):
        by_result[call["metadata"]["phone_call"]["call_result"]] = call
    assert by_result["failed"]["status"] == "failed"
    assert by_result["failed"]["metadata"]["error"]["reason"]
    voicemail = by_result["voicemail"]["metadata"]
    assert voicemail["features_usage"]["voicemail_detection"]["used"] is True
    assert "voicemail" in voicemail["termination_reason"]
    assert by_result["busy"]["transcript"] == []


def test_same_seed_and_number_go_the_same_way_and_another_seed_differs(
    clock: VirtualClock,
) -> None:
    def endings(seed: int) -> list[str]:
        caller = WorldCaller(World(clock, seed=seed))
        return [i[-8:] for i in place_many(caller, 20)]

    assert endings(1) == endings(1)
    assert endings(1) != endings(2)


def test_number_called_again_may_end_otherwise(caller: WorldCaller, clock: VirtualClock) -> None:
    first = caller.place()
    pass_time(clock, 60)
    assert caller.place()[-8:] != first[-8:]
    assert caller.world.calls_to("+12025550101") == 2
    assert caller.world.calls_to("+12025550199") == 0


def test_world_started_anew_tells_an_earlier_call_by_its_id(
    caller: WorldCaller, clock: VirtualClock
) -> None:
    call = caller.place("+12025550103", conversation_initiation_client_data=client_data("ca_1"))
    pass_time(clock, A_DAY_S)
    before = caller.read(call)
    after = WorldCaller(World(clock, seed=99)).read(call)
    for told in ("status", "transcript", "analysis", "conversation_id"):
        assert after[told] == before[told]
    same = ("start_time_unix_secs", "call_duration_secs", "cost", "termination_reason")
    assert [after["metadata"][m] for m in same] == [before["metadata"][m] for m in same]


def test_what_was_sent_along_is_echoed(caller: WorldCaller) -> None:
    data = client_data("ca_7", callagent_attempt_id="ca_7", name="Ann", visits=3)
    call = caller.read(caller.place(conversation_initiation_client_data=data))
    assert call["user_id"] == "ca_7"
    assert call["conversation_initiation_client_data"] == data
    phone = call["metadata"]["phone_call"]
    assert (phone["external_number"], phone["direction"]) == ("+12025550101", "outbound")
    assert phone["phone_number_id"] == "phnum_sandbox"


def test_sip_trunk_answers_and_reports_in_its_own_words(caller: WorldCaller) -> None:
    placed = caller.ask("POST", SIP, dial_body()).body
    assert placed["success"] is True
    assert placed["sip_call_id"]
    assert "callSid" not in placed
    call = caller.read(placed["conversation_id"])
    assert call["metadata"]["phone_call"]["type"] == "sip_trunking"
    assert caller.ask("POST", TWILIO, dial_body()).body["callSid"].startswith("CA")


class TestList:
    @pytest.fixture
    def calls(self, caller: WorldCaller, clock: VirtualClock) -> list[str]:
        """Five calls a minute apart, oldest first; the attempts are ca_0 to ca_4."""
        ids = []
        for n in range(5):
            data = client_data(f"ca_{n}", callagent_attempt_id=f"ca_{n}", score=n)
            ids.append(caller.place(f"+1202555010{n}", conversation_initiation_client_data=data))
            pass_time(clock, 60)
        return ids

    def listed(self, caller: WorldCaller, query: str = "") -> list[str]:
        page = caller.get(f"{CONVERSATIONS}?{query}")
        return [item["conversation_id"] for item in page["conversations"]]

    def test_newest_come_first(self, caller: WorldCaller, calls: list[str]) -> None:
        assert self.listed(caller) == calls[::-1]

    def test_filters_narrow(
        self, caller: WorldCaller, calls: list[str], clock: VirtualClock
    ) -> None:
        began = int(clock.now().timestamp()) - 300
        assert self.listed(caller, "user_id=ca_3") == [calls[3]]
        assert self.listed(caller, "user_id=ca_3&agent_id=agent_sandbox") == [calls[3]]
        assert self.listed(caller, "agent_id=agent_other") == []
        assert self.listed(caller, f"call_start_after_unix={began + 180}") == calls[:2:-1]
        assert self.listed(caller, f"call_start_before_unix={began + 60}") == calls[1::-1]

    @pytest.mark.parametrize(
        ("param", "wanted"),
        [
            ("callagent_attempt_id:eq:ca_2", [2]),
            ("callagent_attempt_id:neq:ca_2", [4, 3, 1, 0]),
            ("callagent_attempt_id:in:ca_1|ca_4", [4, 1]),
            ("score:gt:3", [4]),
            ("score:gte:3", [4, 3]),
            ("score:lt:1", [0]),
            ("score:lte:1", [1, 0]),
            ("callagent_attempt_id:gt:3", []),
            ("score:gte:3&dynamic_variable_params=score:lt:4", [3]),
        ],
    )
    def test_dynamic_variables_filter(
        self, caller: WorldCaller, calls: list[str], param: str, wanted: list[int]
    ) -> None:
        found = self.listed(caller, f"dynamic_variable_params={param}")
        assert found == [calls[n] for n in wanted]

    def test_unknown_filter_is_ignored_as_the_vendor_does(
        self, caller: WorldCaller, calls: list[str]
    ) -> None:
        assert self.listed(caller, "userid=ca_3") == calls[::-1]

    def test_pages_follow_their_cursor_to_the_end(
        self, caller: WorldCaller, calls: list[str]
    ) -> None:
        seen, cursor = [], ""
        while True:
            page = caller.get(f"{CONVERSATIONS}?page_size=2{cursor}")
            seen += [item["conversation_id"] for item in page["conversations"]]
            assert page["has_more"] is (page["next_cursor"] is not None)
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == calls[::-1]

    @pytest.mark.parametrize(
        "query",
        [
            "page_size=0",
            "page_size=101",
            "page_size=ten",
            "cursor=next",
            "call_start_after_unix=yesterday",
            "dynamic_variable_params=score",
            "dynamic_variable_params=score:like:1",
        ],
    )
    def test_query_that_cannot_be_read_is_422(self, caller: WorldCaller, query: str) -> None:
        reply = caller.ask("GET", f"{CONVERSATIONS}?{query}")
        assert reply.status == 422
        assert reply.body["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_live_count_counts_who_talks_now(caller: WorldCaller, clock: VirtualClock) -> None:
    url = "/v1/convai/analytics/live-count?agent_id=agent_sandbox"
    place_many(caller, 20)
    assert caller.get(url) == {"count": 0}
    pass_time(clock, 19)
    assert 5 <= caller.get(url)["count"] <= 20
    pass_time(clock, A_DAY_S)
    assert caller.get(url) == {"count": 0}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "agent_id"),
        (b"{", 422, "agent_id"),
        (b"[]", 422, "agent_id"),
        (b"[" * 100_000, 422, "agent_id"),
        (dial_body(to_number=None), 422, "to_number"),
        (dial_body("2025550101"), 422, "to_number"),
        (dial_body(agent_phone_number_id=7), 422, "agent_phone_number_id"),
        (
            dial_body(conversation_initiation_client_data="x"),
            422,
            "conversation_initiation_client_data",
        ),
        (
            dial_body(conversation_initiation_client_data=client_data("ca_1", a={"b": 1})),
            422,
            "dynamic_variables",
        ),
        (
            dial_body(conversation_initiation_client_data=client_data("ca_1", system__x="1")),
            422,
            "dynamic_variables",
        ),
        (dial_body(agent_id="agent_other"), 404, None),
        (dial_body(agent_phone_number_id="phnum_other"), 404, None),
    ],
)
def test_dial_that_is_wrong_rings_nowhere(
    caller: WorldCaller, body: object, status: int, field: str | None
) -> None:
    reply = caller.ask("POST", TWILIO, body)
    assert reply.status == status
    if field:
        assert reply.body["detail"][0]["loc"] == ["body", field]
    assert [(dial.status, dial.was_placed) for dial in caller.world.dials] == [(status, False)]
    assert caller.get(CONVERSATIONS)["conversations"] == []


@pytest.mark.parametrize(
    ("key", "code"), [("wrong", "invalid_api_key"), (None, "needs_authorization")]
)
def test_key_is_wanted_for_everything(caller: WorldCaller, key: str | None, code: str) -> None:
    for method, url in (
        ("POST", TWILIO),
        ("GET", CONVERSATIONS),
        ("GET", "/v1/user/subscription"),
    ):
        reply = caller.ask(method, url, dial_body(), key=key)
        assert (reply.status, reply.body["detail"]["status"]) == (401, code)
    assert caller.world.calls_to("+12025550101") == 0


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/v1/convai/conversations/conv_unknown", 404),
        ("GET", "/v1/convai/conversations/conv_sim" + "z" * 21, 404),
        ("GET", "/v1/convai/agents/agent_other", 404),
        ("GET", "/v2/convai/conversations", 404),
        ("GET", "/", 404),
        ("GET", TWILIO, 405),
        ("DELETE", f"{CONVERSATIONS}/conv_1", 405),
        ("POST", CONVERSATIONS, 405),
    ],
)
def test_what_does_not_exist_is_said_so(
    caller: WorldCaller, method: str, url: str, status: int
) -> None:
    assert caller.ask(method, url).status == status


def test_world_remembers_each_dial_and_counts_requests(
    caller: WorldCaller, clock: VirtualClock
) -> None:
    pass_time(clock, 5)
    data = client_data("ca_1")
    call = caller.place("+12025550105", conversation_initiation_client_data=data)
    caller.read(call)
    caller.read(call)
    dial = caller.world.dials[0]
    assert (dial.at, dial.to_number, dial.attempt_id) == (clock.now(), "+12025550105", "ca_1")
    assert (dial.was_placed, dial.status) == (True, 200)
    assert caller.world.requests == {"dial": 1, "conversation": 2}


def failing(clock: VirtualClock, kind: FaultKind, **more: Any) -> WorldCaller:
    return WorldCaller(World(clock, seed=1, faults=FaultPlan([Fault("elevenlabs", kind, **more)])))


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.UNAVAILABLE, 503, "service_unavailable"),
        (FaultKind.BUSY, 429, "system_busy"),
        (FaultKind.CREDENTIALS, 401, "invalid_api_key"),
        (FaultKind.QUOTA, 401, "quota_exceeded"),
    ],
)
def test_refusal_rings_nowhere_and_ends_with_the_fault(
    clock: VirtualClock, kind: FaultKind, status: int, code: str
) -> None:
    caller = failing(clock, kind, to_s=10.0)
    reply = caller.ask("POST", TWILIO, dial_body())
    assert (reply.status, reply.body["detail"]["status"]) == (status, code)
    assert caller.world.calls_to("+12025550101") == 0
    assert [(d.was_placed, d.status) for d in caller.world.dials] == [(False, status)]
    pass_time(clock, 10)
    caller.place()
    assert caller.world.calls_to("+12025550101") == 1


@pytest.mark.parametrize(
    ("kind", "is_reset"), [(FaultKind.TIMEOUT, False), (FaultKind.RESET_AFTER, True)]
)
def test_lost_answer_rang_and_can_be_found(
    clock: VirtualClock, kind: FaultKind, is_reset: bool
) -> None:
    caller = failing(clock, kind, to_request=1)
    data = client_data("ca_9")
    with pytest.raises(AnswerLost) as lost:
        caller.place(conversation_initiation_client_data=data)
    assert lost.value.is_reset is is_reset
    assert caller.world.calls_to("+12025550101") == 1
    assert caller.world.dials[0].was_placed
    found = caller.get(f"{CONVERSATIONS}?user_id=ca_9")["conversations"]
    assert len(found) == 1


def test_garbage_rang_and_says_nothing(clock: VirtualClock, caller: WorldCaller) -> None:
    caller = failing(clock, FaultKind.GARBAGE, to_request=1)
    with pytest.raises(ValueError, match="Expecting value"):
        caller.place()
    assert caller.world.calls_to("+12025550101") == 1


def test_slow_answer_is_right_but_late(clock: VirtualClock) -> None:
    reply = failing(clock, FaultKind.SLOW).ask("POST", TWILIO, dial_body())
    assert (reply.status, reply.delay_s) == (200, 20.0)


def test_latency_delays_every_answer(clock: VirtualClock) -> None:
    caller = WorldCaller(World(clock, seed=1, latency_s=0.15))
    assert caller.ask("POST", TWILIO, dial_body()).delay_s == 0.15
    assert caller.ask("GET", CONVERSATIONS).delay_s == 0.15


def test_dial_looks_through_no_earlier_calls(caller: WorldCaller) -> None:
    """So that a campaign of thousands takes time in proportion."""
    looked = 0

    class Watched(dict[str, Any]):
        def values(self) -> Any:
            nonlocal looked
            looked += 1
            return super().values()

    caller.world._calls = Watched()
    place_many(caller, 100)
    assert looked == 0
