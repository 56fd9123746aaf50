"""One request to the world and its answer; errors in the shapes of the voice provider."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator.faults import FaultKind

_SLOW_S = 20.0


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


class Answering(Protocol):
    """Whatever speaks HTTP here: the world, or the whole sandbox."""

    clock: Clock

    def handle(self, request: WorldRequest) -> WorldAnswer:
        """Raises AnswerLost."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart."""

    method: str
    parts: tuple[str, ...]  # of the path, decoded
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, request: WorldRequest) -> "Asked":
        url = urlsplit(request.url)
        return cls(
            request.method,
            tuple(unquote(part) for part in url.path.strip("/").split("/")),
            parse_qs(url.query, keep_blank_values=True),
            request.headers,
            request.body,
        )

    @property
    def line(self) -> str:
        return f"{self.method} /{'/'.join(self.parts)}"

    def header(self, name: str) -> str:
        """name: in small letters. Empty when there is none."""
        wanted = (value for key, value in self.headers.items() if key.lower() == name)
        return next(wanted, "")

    def word(self, name: str) -> str:
        """A parameter of the query; empty when there is none."""
        return self.query.get(name, [""])[-1]


def spoilt(answer: WorldAnswer, fault: FaultKind | None) -> WorldAnswer:
    """What becomes of the answer to a request that was carried out; raises AnswerLost."""
    match fault:
        case FaultKind.TIMEOUT | FaultKind.RESET_AFTER:
            raise AnswerLost(is_reset=fault is FaultKind.RESET_AFTER)
        case FaultKind.GARBAGE:
            return WorldAnswer(200, b"<html>", {"Content-Type": "text/html"})
        case FaultKind.SLOW:
            return replace(answer, delay_s=_SLOW_S)
        case _:
            return answer


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
