"""One request to the world and its answer, in the vendor's error shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WorldRequest:
    method: str
    url: str  # path and query, absolute or not
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class WorldAnswer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json"}
    )
    delay_s: float = 0.0  # on the world's clock, until it is sent


class AnswerLost(Exception):
    """The request was carried out; its answer never arrives. `is_reset`: the line dropped."""

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__("reset" if is_reset else "timeout")
        self.is_reset = is_reset


class Invalid(Exception):
    """A field of the request cannot be read: becomes a 422."""

    def __init__(self, place: str, name: str, problem: str = "Field required") -> None:
        super().__init__(f"{place}.{name}: {problem}")
        self.answer = answer(
            422,
            {
                "detail": [
                    {
                        "type": "missing" if problem == "Field required" else "value_error",
                        "loc": [place, name],
                        "msg": problem,
                    }
                ]
            },
        )


def answer(status: int, body: object) -> WorldAnswer:
    return WorldAnswer(status, json.dumps(body).encode())


def ok(body: object) -> WorldAnswer:
    return answer(200, body)


def error(status: int, code: str, message: str) -> WorldAnswer:
    return answer(status, {"detail": {"status": code, "message": message}})


def plain_error(status: int, text: str) -> WorldAnswer:
    """As the vendor's web framework answers by itself."""
    return answer(status, {"detail": text})
