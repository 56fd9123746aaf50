"""What of an LLM's answer may be said to a contact."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from callagent_cli.domain.errors import UselessAnswer
from callagent_cli.services.llm import ChatCompletions
from tests.support.crm_server import CrmServer, Reply
from tests.support.llm import (
    CHAT,
    FACTS,
    GREETING,
    NUMBER,
    Make,
    completion,
    examples,
    llm_server,
    said,
    shown,
    writer_at,
)

TWO = ("opening_line", "closing_line")


@pytest.fixture
def server() -> Iterator[CrmServer]:
    with llm_server() as running:
        yield running


@pytest.fixture
def make(server: CrmServer) -> Make:
    def build(**settings: Any) -> ChatCompletions:
        return writer_at(server.url, **settings)

    return build


@pytest.fixture
def written(make: Make, server: CrmServer) -> Callable[..., dict[str, str]]:
    """The variables that an answer's content becomes."""

    def write(content: object, **settings: Any) -> dict[str, str]:
        server.on(CHAT, said(content))
        return dict(make(**settings).write(FACTS).variables)

    return write


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("  Hello   Ann,\nthis is the clinic. ", GREETING),
        (f'"{GREETING}"', GREETING),
        (f"“{GREETING}”", GREETING),
        ('"Yes" and "no".', '"Yes" and "no".'),
        (f"```\n{GREETING}\n```", GREETING),
        (json.dumps({"opening_line": GREETING}), GREETING),
        ("Hello\u202e \u200bAnn\x1b, this is the clinic.", GREETING),
        ("Bonjour Zoë, à demain !", "Bonjour Zoë, à demain !"),
        ("Your visit is on 2026-11-24 10:00.", "Your visit is on 2026-11-24 10:00."),
        ("x" * 300, "x" * 300),
    ],
)
def test_plain_text_is_cleaned_and_taken(
    content: str, text: str, written: Callable[..., dict[str, str]]
) -> None:
    assert written(content) == {"opening_line": text}


@pytest.mark.parametrize("wrap", ["{}", "```json\n{}\n```", "```\n{}```", "\n {} \n"])
def test_json_is_taken_with_and_without_a_fence(
    wrap: str, written: Callable[..., dict[str, str]]
) -> None:
    answer = {"closing_line": "Goodbye\nAnn.", "opening_line": "Hello."}
    content = wrap.replace("{}", json.dumps(answer))
    assert written(content, variables=TWO) == {
        "opening_line": "Hello.",
        "closing_line": "Goodbye Ann.",
    }


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "  \n ",
        "\u200b\u202e",
        "...",
        5,
        ["Hello"],
        [{"type": "text", "text": GREETING}],
        {"opening_line": GREETING},
        "x" * 301,
        "Hello {{system__caller_id}}",
        "Hello {\u200b{ secret__key }}",
        "Hello ｛｛name｝｝",
        "Hello {name}",
        "See https://evil.example/x",
        "See hTTp://1.2.3.4",
        "Visit www.evil.example now",
        "Visit evil.com now",
        "Visit evil.example/login",
        "Write to ann@example.com",
        "<p>Hello</p>",
        "Hello<break time='3s'/>",
        "<!DOCTYPE html><html><body>502</body></html>",
        "<think>The user wants a greeting</think>Hello Ann",
        "I'm sorry, but I can't help with that.",
        "I’m sorry, I cannot assist with this request.",
        "I cannot write this.",
        "As an AI I have no opinion.",
        "Sure! Here you go: Hello Ann",
        "Here is an opening line: Hello Ann",
        "Hello Ann\n\nThis greeting is friendly and short.",
        '{"opening": "Hello Ann"}',
        '{"opening_line": "Hello Ann", "to_number": "+15550100999"}',
        '{"opening_line": "Hel',
        '{"opening_line": "a", "opening_line": "b"}',
        '{"opening_line": ["Hello"]}',
        '{"opening_line": NaN}',
        "{" * 5000,
        "```python exec\nHello\n```",
        "```\nHello\n``` and more ```",
        "z" * 250_000,
    ],
)
def test_what_cannot_be_said_is_of_no_use(
    content: object, written: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(UselessAnswer, match="the answer is of no use: "):
        written(content)


@pytest.mark.parametrize(
    "content", ["{canary-text-1}", '{"canary-text-1": 1}', "x canary-text-1.com"]
)
def test_an_error_shows_nothing_of_the_answer(
    content: str, written: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(UselessAnswer) as caught:
        written(content)
    assert "canary-text-1" not in shown(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        GREETING,
        f'"{GREETING}"',
        '["a", "b"]',
        '{"opening_line": "Hello"}',
        '{"opening_line": "Hello", "closing_line": null}',
        '{"opening_line": "Hello", "closing_line": ""}',
        '{"opening_line": "Hello", "closing_line": {"text": "Bye"}}',
        '{"opening_line": "Hello", "closing_line": "Bye", "phone": "x"}',
        'Here: {"opening_line": "Hello", "closing_line": "Bye"}',
        '{"opening_line": "Hello", "closing_line": "{{secret__key}}"}',
        "[" * 100_000,
    ],
)
def test_other_json_than_asked_for_is_of_no_use(
    content: str, written: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(UselessAnswer, match="of no use"):
        written(content, variables=TWO)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (completion("Hello", finish="length"), "cut off"),
        (completion("Hello", finish="content_filter"), "content filter"),
        (completion(None, finish="content_filter"), "content filter"),
        (completion("Hello", finish="tool_calls"), "not finished"),
        (completion("Hello", finish=None), "not finished"),
        (completion("Hello", finish=5), "not finished"),
        (completion("Hello", refusal="I will not"), "a refusal"),
        (completion(None, refusal="I will not"), "a refusal"),
        (completion("Hello", tool_calls=[{"id": "1"}]), "a call of a tool"),
        ({"choices": []}, "no choice"),
        ({"choices": None}, "no choice"),
        ({"choices": [None]}, "no choice"),
        ({"choices": [{"finish_reason": "stop"}]}, "empty"),
        ({"choices": [{"finish_reason": "stop", "message": "Hello"}]}, "empty"),
        ({}, "no choice"),
        ([], "no choice"),
        ("Hello", "no choice"),
    ],
)
def test_an_unfinished_or_strange_answer_is_of_no_use(
    body: object, why: str, make: Make, server: CrmServer
) -> None:
    server.on(CHAT, Reply(body=body))
    with pytest.raises(UselessAnswer, match=f"of no use: .*{why}"):
        make().write(FACTS)
    assert len(server.requests) == 1


@pytest.mark.parametrize("text", ["+1 202 555-0123", "(202) 555 0123", "12025550123", "555-0123"])
@pytest.mark.parametrize("fact", ["note", "mobile", "phone_number"])
def test_a_number_of_the_contact_is_not_said(
    text: str, fact: str, make: Make, server: CrmServer
) -> None:
    server.on(CHAT, said(f"Is {text} your number?"))
    with pytest.raises(UselessAnswer, match="a phone number"):
        make().write({"name": "Ann", fact: f"now {NUMBER}"})


def test_another_number_may_be_said(make: Make, server: CrmServer) -> None:
    server.on(CHAT, said("Order 10023344 is ready."))
    make().write({"order": "10023344", "note": NUMBER})


@pytest.mark.parametrize("which", ["truncated", "filtered", "prose"])
def test_the_contract_s_bad_examples_are_of_no_use(
    which: str, make: Make, server: CrmServer
) -> None:
    server.on(CHAT, Reply(body=examples("/chat/completions", "200")[which]))
    for names in (("opening",), TWO):
        with pytest.raises(UselessAnswer):
            make(variables=names).write(FACTS)


def test_the_contract_s_good_example_is_taken(make: Make, server: CrmServer) -> None:
    server.on(CHAT, Reply(body=examples("/chat/completions", "200")["ok"]))
    assert make(variables=("opening",)).write(FACTS).variables == {"opening": "Hello Ada"}
