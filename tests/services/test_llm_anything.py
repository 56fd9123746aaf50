"""Whatever an LLM's server answers, the writer and the probe end in an orderly way."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import ServiceError, TransientError
from callagent_cli.services.http_session import Answer
from callagent_cli.services.llm import ChatCompletions
from tests.support.hand_clock import HandClock
from tests.support.llm import FACTS, completion, writer_at
from tests.support.socket_server import SocketServer, reply

TEXTS = st.one_of(
    st.text(max_size=40), st.sampled_from(["{{x}}", "www.a.example", "\u202e", "<b>"])
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {}, optional={"content": JSON, "refusal": JSON, "tool_calls": JSON, "role": JSON}
)
CHOICES = st.fixed_dictionaries(
    {"message": MESSAGES | JSON}, optional={"finish_reason": st.just("stop") | JSON}
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(CHOICES | JSON, max_size=2) | JSON,
        "usage": JSON,
        "error": JSON,
        "detail": JSON,
        "message": JSON,
        "code": JSON,
    },
)
SPOKEN = st.builds(
    lambda text: completion(text),
    TEXTS | st.builds(json.dumps, st.fixed_dictionaries({"opening_line": JSON})) | JSON,
)


class _Canned:
    """Answers every request in the same way."""

    service = "llm"

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = Answer(status, {}, body, 0.1)

    def send(self, *_args: object, **_more: object) -> Answer:
        return self._answer


@settings(max_examples=600, deadline=None)
@given(
    status=st.sampled_from([200, 200, 200, 201, 204, 302, 400, 401, 404, 422, 429, 500]),
    body=st.one_of(
        SPOKEN.map(lambda body: json.dumps(body).encode()),
        (BODIES | JSON).map(lambda body: json.dumps(body).encode()),
        st.binary(max_size=60),
    ),
)
def test_no_answer_breaks_the_writer_or_is_said_unclean(status: int, body: bytes) -> None:
    canned: Any = _Canned(status, body)
    writer = ChatCompletions(canned, model="m", prompt="p", max_chars=30, clock=HandClock())
    try:
        variables = writer.write(FACTS).variables
    except ServiceError:
        return
    assert set(variables) == {"opening_line"}
    text = variables["opening_line"]
    assert text.isprintable()
    assert 0 < len(text) <= 30
    assert not set("{}") & set(text)
    assert "www." not in text


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=60) | (BODIES | JSON).map(lambda body: json.dumps(body).encode()))
def test_no_answer_breaks_the_probe(body: bytes) -> None:
    for status in (200, 400, 404, 500):
        canned: Any = _Canned(status, body)
        writer = ChatCompletions(canned, model="a/m", prompt="p", clock=HandClock())
        assert writer.probe().service == "llm"


def test_an_answer_nested_beyond_reason_is_an_error_like_others() -> None:
    body = b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with SocketServer([reply("200 OK", body)]) as far, pytest.raises(TransientError):
        writer_at(far.url, clock=SystemClock()).write(FACTS)
