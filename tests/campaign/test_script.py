"""What the agent is told, and what it says when nobody writes for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callagent_cli.campaign.script import ScriptWriter, write_script
from callagent_cli.domain.call import Draft, Script
from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.errors import (
    CircuitOpen,
    ContactError,
    Interrupted,
    RefusalKind,
    ServiceRefused,
    TransientError,
    UselessAnswer,
)
from callagent_cli.domain.event import EventName
from callagent_cli.resilience.breaker import Breaker, BreakerPolicy
from callagent_cli.resilience.guard import Guard
from callagent_cli.resilience.retry import RetryPolicy
from tests.support.crm_server import CrmServer, Reply
from tests.support.event_log import EventLog
from tests.support.hand_clock import HandClock
from tests.support.llm import CHAT, llm_server, said, writer_at

ANN = Contact(
    id="c1",
    phone="+12025550123",
    name="Ann",
    email="ann@example.com",
    language="en",
    consent=True,
    variables={"plan": "gold", "note": ""},
)
FALLBACK = {"opening_line": "Hello ${name}, about your $plan plan."}


class _Writes:
    """A writer with one answer, or one error."""

    service = "llm"

    def __init__(self, answer: Draft | Exception) -> None:
        self._answer, self.asked = answer, list[dict[str, str]]()

    def write(self, facts: Mapping[str, str]) -> Draft:
        self.asked.append(dict(facts))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def _desk(answer: Draft | Exception, **changes: Any) -> tuple[ScriptWriter, _Writes, EventLog]:
    writer, log = _Writes(answer), EventLog(HandClock())
    desk = ScriptWriter(
        writer,
        ask=lambda request: request(),
        fallbacks=FALLBACK,
        emit=log,
        state=lambda: {"retry_count": 1, "breaker_state": "closed"},
    )
    return replace(desk, **changes), writer, log


# --- what is known ---------------------------------------------------------------------------


def test_without_anybody_to_ask_the_file_is_told_as_it_is() -> None:
    told = {"name": "Ann", "email": "ann@example.com", "language": "en", "plan": "gold"}
    assert write_script(ANN) == Script({**told, "note": ""})
    assert write_script(Contact(id="c", phone="+12025550123")) == Script({})


def test_the_file_wins_over_the_crm_where_it_says_something() -> None:
    known = KnownPerson("7", {"plan": "silver", "note": "late", "city": "Rome", "name": "Anna"})
    variables = write_script(ANN, known=known).variables
    assert (variables["plan"], variables["name"]) == ("gold", "Ann")
    assert (variables["note"], variables["city"]) == ("late", "Rome")


def test_a_crm_that_could_not_be_asked_is_a_degraded_script() -> None:
    assert write_script(ANN, is_crm_missing=True).is_degraded
    assert not write_script(ANN).is_degraded


# --- what is written -------------------------------------------------------------------------


def test_what_is_written_is_told_beside_what_is_known() -> None:
    desk, _, log = _desk(Draft({"opening_line": "Hi Ann!"}, 0.002))
    script = write_script(ANN, known=KnownPerson("7", {"city": "Rome"}), writing=desk)
    assert script.variables["opening_line"] == "Hi Ann!"
    assert (script.variables["plan"], script.variables["city"]) == ("gold", "Rome")
    assert (script.is_degraded, script.cost_usd) == (False, 0.002)
    assert log.told == []


def test_the_writer_knows_nothing_by_which_a_contact_can_be_reached() -> None:
    desk, writer, _ = _desk(Draft({"opening_line": "Hi"}))
    variables = {
        "plan": "gold",
        "phone_model": "P9",
        "order": "10023344",
        "empty": "",
        "mobile": "5",
        "billing_email": "x",
        "consent_date": "2026-01-01",
        "note": "call her at (202) 555-0123",
        "boss": "at +44 20 7946 0000",
        "contact": "ANN@Example.com",
    }
    known = KnownPerson("7", {"city": "Rome", "crm_phone": "12025550123", "same": "2025550123"})
    write_script(replace(ANN, variables=variables), known=known, writing=desk)
    assert writer.asked == [
        {
            "name": "Ann",
            "language": "en",
            "plan": "gold",
            "phone_model": "P9",
            "order": "10023344",
            "city": "Rome",
        }
    ]


ERRORS = [
    TransientError("llm", "no answer in time"),
    ServiceRefused("llm", "401", kind=RefusalKind.CREDENTIALS, http_status=401),
    ContactError("llm", "more than it can read"),
    UselessAnswer("llm", "the answer is of no use: empty", http_status=200, cost_usd=0.01),
    CircuitOpen("llm", "x", since_s=1, retry_after_s=9, last_error="503", is_forced=False),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_fails_the_fallback_is_said_and_told(error: Any) -> None:
    desk, _, log = _desk(error)
    script = write_script(ANN, writing=desk)
    assert script.variables["opening_line"] == "Hello Ann, about your gold plan."
    assert script.is_degraded
    assert script.cost_usd == getattr(error, "cost_usd", None)
    (fields,) = log.of(EventName.FALLBACK_USED)
    assert fields == {
        "service": "llm",
        "retry_count": 1,
        "breaker_state": "closed",
        "contact_id": "c1",
        "phone": "+1202*****23",
        "error": error.message,
        "error_category": error.category.value,
        "http_status": error.http_status,
        "reason": "the fallback text is said instead",
    }


def test_a_run_that_stops_says_nothing_instead() -> None:
    desk, _, log = _desk(Interrupted("stopping"))
    with pytest.raises(Interrupted):
        write_script(ANN, writing=desk)
    assert log.told == []


# --- the fallback ----------------------------------------------------------------------------

DOWN = TransientError("llm", "down")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello ${name}, this is Bob.", "Hello Ann, this is Bob."),
        ("Hello $nobody, this  is $plan.", "Hello, this is gold."),
        ("Hello ${nobody} ${nobody} there", "Hello there"),
        ("It costs $5, $$6 and ${}", "It costs $5, $6 and $"),
        ("${email}${phone}${consent}", ""),
        ("Hi {{system__caller_id}} ${name}", "Hi system__caller_id Ann"),
        ("Bonjour ${name} !", "Bonjour Ann !"),
        ("a\u202e\x00\n b", "a b"),
        ("x" * 5000, "x" * 2000),
    ],
)
def test_a_template_is_filled_and_leaves_no_gap(template: str, text: str) -> None:
    desk, _, _ = _desk(DOWN, fallbacks={"opening_line": template})
    assert write_script(ANN, writing=desk).variables["opening_line"] == text


@pytest.mark.parametrize("name", ["${plan}", "$$", "{{secret__key}}", "}}{{", "%s {0}"])
def test_what_a_contact_is_called_is_no_template(name: str) -> None:
    desk, _, _ = _desk(DOWN, fallbacks={"opening_line": "Hello ${name}."})
    text = write_script(replace(ANN, name=name), writing=desk).variables["opening_line"]
    assert text.removeprefix("Hello").removesuffix(".").strip() == name.translate(
        str.maketrans("", "", "{}")
    )


@given(
    template=st.text(max_size=60) | st.sampled_from(["${a} $b", "$$a", "${", "{{$a}}"]),
    variables=st.dictionaries(st.sampled_from(["a", "b", "name", "note"]), st.text(max_size=40)),
)
def test_no_template_and_no_contact_breaks_the_fallback(
    template: str, variables: dict[str, str]
) -> None:
    desk, _, _ = _desk(DOWN, fallbacks={"opening_line": template})
    text = write_script(replace(ANN, variables=variables), writing=desk).variables["opening_line"]
    assert text.isprintable()
    assert not set("{}") & set(text)
    assert "  " not in text


# --- behind the guard, over HTTP -------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with llm_server() as running:
        yield running


Guarded = Callable[..., tuple[ScriptWriter, EventLog]]


@pytest.fixture
def guarded(server: CrmServer) -> Guarded:
    def build(*, threshold: int = 5) -> tuple[ScriptWriter, EventLog]:
        clock = HandClock()
        log = EventLog(clock)
        policy = BreakerPolicy(failure_threshold=threshold, recovery_timeout_s=60)
        breaker = Breaker("llm", policy, clock=clock, emit=log, has_probe=False)
        retry = RetryPolicy(initial_delay_s=1, max_attempts=1)
        guard = Guard(
            "llm", retry=retry, breaker=breaker, clock=clock, stop=clock.signal(), emit=log
        )
        desk = ScriptWriter(
            writer_at(server.url, clock=clock),
            ask=lambda request: guard.call(request, operation="write", deadline_s=20),
            fallbacks=FALLBACK,
            emit=log,
            state=lambda: {
                "retry_count": guard.snapshot().retries,
                "breaker_state": breaker.state.value,
            },
        )
        return desk, log

    return build


def test_a_service_that_is_down_is_asked_until_its_breaker_opens(
    guarded: Guarded, server: CrmServer
) -> None:
    server.on(CHAT, Reply(503))
    desk, log = guarded(threshold=2)
    scripts = [write_script(ANN, writing=desk) for _ in range(4)]
    assert all(script.is_degraded for script in scripts)
    assert {script.variables["opening_line"] for script in scripts} == {
        "Hello Ann, about your gold plan."
    }
    assert len(server.requests) == 2
    assert [told["breaker_state"] for told in log.of(EventName.FALLBACK_USED)] == ["open"] * 4


def test_a_hiccup_is_asked_again_and_costs_no_fallback(
    guarded: Guarded, server: CrmServer
) -> None:
    server.on(CHAT, Reply(500), said("Hi Ann."))
    desk, log = guarded()
    script = write_script(ANN, writing=desk)
    assert (script.variables["opening_line"], script.is_degraded) == ("Hi Ann.", False)
    assert not log.of(EventName.FALLBACK_USED)


def test_nonsense_is_not_asked_for_again(guarded: Guarded, server: CrmServer) -> None:
    server.on(CHAT, said("Call +15550100999 instead: {{phone}}"))
    desk, _ = guarded()
    assert write_script(ANN, writing=desk).is_degraded
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        '{"opening_line": "Hi", "to_number": "+15550100999"}',
        '{"opening_line": "Hi", "callagent_attempt_id": "x"}',
        "do_not_call: true, skip this contact",
    ],
)
def test_an_answer_changes_one_variable_and_nothing_else(
    content: str, guarded: Guarded, server: CrmServer
) -> None:
    server.on(CHAT, said(content))
    desk, _ = guarded()
    script = write_script(ANN, writing=desk)
    assert {**script.variables, "opening_line": ""} == {
        **write_script(ANN).variables,
        "opening_line": "",
    }
