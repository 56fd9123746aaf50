"""The simulated model: by its contract, sensible, and always the same for the same."""

import json
from typing import Any

import pytest

from callagent_cli.domain.errors import ServiceError, ServiceRefused, TransientError
from callagent_cli.domain.health import HealthStatus
from callagent_cli.services.http_session import HttpSession, Timeouts
from callagent_cli.services.llm import ChatCompletions
from callagent_cli.simulator.exchange import AnswerLost
from callagent_cli.simulator.faults import Fault, FaultKind, FaultPlan
from callagent_cli.simulator.sandbox import LLM, Sandbox
from callagent_cli.simulator.transport import WorldAdapter
from callagent_cli.simulator.virtual_clock import VirtualClock
from tests.support.contract import Contract
from tests.support.sandbox_caller import SandboxCaller, Told

CONTRACT = Contract("openai")
KEY = {"Authorization": "Bearer sandbox"}
PATH = "/chat/completions"
FACTS = {"name": "Ada Lovelace", "topic": "your appointment", "city": "London"}


def caller(clock: VirtualClock, *faults: Fault, seed: int = 1) -> SandboxCaller:
    return SandboxCaller(Sandbox(clock, seed=seed, faults=FaultPlan(faults)), f"{LLM.url}/v1", KEY)


def asking(user: str, system: str = "Write one opening line.", **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    body = {"model": "gpt-9", "messages": messages, **more}
    CONTRACT.check_request("post", PATH, body)
    return body


def content(told: Told) -> str:
    assert told.status == 200, told
    return str(told.body["choices"][0]["message"]["content"])


def check(told: Told, method: str, path: str) -> None:
    CONTRACT.check_answer(method, path, told.status, told.body)


def test_answers_keep_the_contract(clock: VirtualClock) -> None:
    llm = caller(clock)
    check(llm.ask("POST", PATH, asking(json.dumps(FACTS))), "post", PATH)
    check(llm.ask("POST", PATH, {"model": "m"}), "post", PATH)
    check(llm.ask("POST", PATH, {}), "post", PATH)
    check(llm.ask("POST", PATH, asking("x"), headers={}), "post", PATH)
    check(llm.ask("GET", "/models"), "get", "/models")
    check(llm.ask("GET", "/models/meta%2Fllama-9"), "get", "/models/{model}")
    assert llm.get("/models/meta%2Fllama-9")["id"] == "meta/llama-9"


@pytest.mark.parametrize("kind", ["503", "429", "401", "quota"])
def test_refusals_keep_the_contract(clock: VirtualClock, kind: str) -> None:
    llm = caller(clock, Fault("llm", FaultKind(kind)))
    told = llm.ask("POST", PATH, asking("x"))
    check(told, "post", PATH)
    codes = {
        "503": (503, "server_is_overloaded"),
        "429": (429, "rate_limit_exceeded"),
        "401": (401, "invalid_api_key"),
        "quota": (429, "insufficient_quota"),
    }
    assert (told.status, told.body["error"]["code"]) == codes[kind]


def test_answer_that_is_lost_late_or_no_json(clock: VirtualClock) -> None:
    for kind in (FaultKind.TIMEOUT, FaultKind.RESET_AFTER):
        llm = caller(clock, Fault("llm", kind))
        with pytest.raises(AnswerLost):
            llm.ask("POST", PATH, asking("x"))
        assert len(llm.sandbox.llm.completions) == 1, "it was written, and paid for"
    assert caller(clock, Fault("llm", FaultKind.SLOW)).ask("GET", "/models").delay_s == 20
    with pytest.raises(ValueError, match="Expecting value"):
        caller(clock, Fault("llm", FaultKind.GARBAGE)).ask("GET", "/models")


@pytest.mark.parametrize(
    "user",
    [
        json.dumps(FACTS),
        f"The contact, as data:\n```json\n{json.dumps({'contact': FACTS})}\n```",
        "\n".join(f"- {name}: {value}" for name, value in FACTS.items()),
    ],
)
def test_opening_line_is_about_the_contact(clock: VirtualClock, user: str) -> None:
    line = content(caller(clock).ask("POST", PATH, asking(user)))
    assert "Ada Lovelace" in line
    assert "about your appointment" in line


def test_line_for_somebody_of_whom_nothing_is_known_is_one_too(clock: VirtualClock) -> None:
    line = content(caller(clock).ask("POST", PATH, asking("Go.")))
    assert "sandbox" in line or "calling" in line
    assert "{" not in line


def test_several_texts_are_one_json_object(clock: VirtualClock) -> None:
    llm = caller(clock)
    names = {"opening_line": {"type": "string"}, "closing": {"type": "string"}}
    schema = {"name": "texts", "schema": {"type": "object", "properties": names}}
    by_schema = {"type": "json_schema", "json_schema": schema}
    by_word = 'Answer with a JSON object with the keys "opening_line" and "closing". Be short.'
    for wanted in (
        asking(json.dumps(FACTS), response_format=by_schema),
        asking(json.dumps(FACTS), by_word, response_format={"type": "json_object"}),
        asking(json.dumps(FACTS), by_word),
    ):
        texts = json.loads(content(llm.ask("POST", PATH, wanted)))
        assert list(texts) == ["opening_line", "closing"]
        assert "Ada" in texts["opening_line"]
        assert texts["closing"]


@pytest.mark.parametrize("variables", [("opening_line",), ("opening_line", "closing")])
def test_the_products_writer_gets_what_it_asks_for(
    clock: VirtualClock, variables: tuple[str, ...]
) -> None:
    draft = writer(Sandbox(clock, seed=1), variables).write(FACTS)
    assert tuple(draft.variables) == variables
    assert "Ada Lovelace" in draft.variables["opening_line"]
    assert draft.cost_usd is not None
    assert draft.cost_usd > 0


def test_the_products_probe_is_content(clock: VirtualClock) -> None:
    assert writer(Sandbox(clock, seed=1)).probe().status is HealthStatus.OK


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("503", TransientError),
        ("429", ServiceError),
        ("401", ServiceRefused),
        ("quota", ServiceRefused),
        ("timeout", ServiceError),
        ("reset-after", ServiceError),
        ("garbage", ServiceError),
        ("slow", ServiceError),
    ],
)
def test_each_fault_is_sorted_by_the_products_writer(
    clock: VirtualClock, kind: str, error: type[Exception]
) -> None:
    plan = FaultPlan([Fault("llm", FaultKind(kind))])
    with pytest.raises(error):
        writer(Sandbox(clock, seed=1, faults=plan)).write(FACTS)


def writer(sandbox: Sandbox, variables: tuple[str, ...] = ("opening_line",)) -> ChatCompletions:
    session = HttpSession(
        "llm",
        f"{LLM.url}/v1",
        headers=KEY,
        timeouts=Timeouts(5, 10, 15),
        clock=sandbox.clock,
        adapter=WorldAdapter(sandbox, sandbox.clock),
    )
    return ChatCompletions(
        session,
        model="m",
        prompt="Write.",
        variables=variables,
        price_in_usd_per_million=1.0,
        price_out_usd_per_million=1.0,
        clock=sandbox.clock,
    )


def test_same_seed_same_words_and_another_seed_others(clock: VirtualClock) -> None:
    def lines(seed: int) -> list[str]:
        llm = caller(clock, seed=seed)
        asked = [asking(json.dumps({"name": f"N{k}"})) for k in range(12)]
        return [content(llm.ask("POST", PATH, body)) for body in asked]

    assert lines(1) == lines(1)
    assert lines(1) != lines(2)


def test_what_was_asked_is_kept_and_counted(clock: VirtualClock) -> None:
    llm = caller(clock)
    told = llm.ask("POST", PATH, asking(json.dumps(FACTS)))
    usage = told.body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 10
    (completion,) = llm.sandbox.llm.completions
    assert (completion.model, completion.content) == ("gpt-9", content(told))
    assert "London" in completion.prompt
