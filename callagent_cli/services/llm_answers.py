"""What the answers of an OpenAI-compatible service mean, sorted once: first by the code in the
body, then by the status.

Compatible servers agree on little: an error is an object, a text, `detail` or `message`, and may
come with status 200. What a body says is searched and never shown: it may echo keys and contacts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.domain.errors import (
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    TransientError,
)
from callagent_cli.services.elevenlabs_answers import as_mapping, retry_after
from callagent_cli.services.http_session import Answer

SERVICE = "llm"

_WORD = re.compile(r"[a-z]{2,30}(?:_[a-z]{2,30}){0,6}")  # no digits: neither a key nor a number
_MOST_TOKENS = 100_000_000
_DAY_S = 86400.0
_PASSING = frozenset({408, 409, 425, 429})
_TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})


@dataclass(frozen=True, slots=True)
class _Row:
    """A refusal that a person must mend: its codes, in the body, or else its statuses."""

    codes: frozenset[str]
    statuses: frozenset[int]
    kind: RefusalKind
    text: str
    hint: str


# codes: OpenAI's error guide of 2026, and what compatible servers send instead
_REFUSALS = (
    _Row(
        frozenset(
            {
                "insufficient_quota",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "billing_hard_limit_reached",
                "billing_not_active",
            }
        ),
        frozenset({402}),
        RefusalKind.QUOTA,
        "the LLM's budget is spent",
        "top up the account or raise its limit; until then the fallback text is said",
    ),
    _Row(
        frozenset({"invalid_api_key", "authentication_error"}),
        frozenset({401, 407}),
        RefusalKind.CREDENTIALS,
        "the LLM refuses the key",
        "check LLM_API_KEY",
    ),
    _Row(
        frozenset({"unsupported_country_region_territory"}),
        frozenset(),
        RefusalKind.CONFIG,
        "the LLM does not serve this country",
        "set services.llm.base_url to a service that may be used from here",
    ),
    _Row(
        frozenset({"model_not_found", "invalid_model"}),
        frozenset({404, 405, 410}),
        RefusalKind.CONFIG,
        "the LLM service does not know the model or the path",
        "check services.llm.model, services.llm.base_url and what the key may use",
    ),
    _Row(
        frozenset({"permission_denied", "permission_error", "request_forbidden"}),
        frozenset({403}),
        RefusalKind.CREDENTIALS,
        "the LLM service does not let this key do this",
        "check the rights of LLM_API_KEY and its project",
    ),
    _Row(
        frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"}),
        frozenset(),
        RefusalKind.CONFIG,
        "the LLM does not take a parameter",
        "try the other name in services.llm.token_limit (max_completion_tokens or max_tokens), "
        "and services.llm.temperature: null",
    ),
)
_PARAMETER = _REFUSALS[-1]
_NAMES_A_PARAMETER = re.compile(r"\b(?:max_tokens|max_completion_tokens|temperature)\b")


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error body says."""

    codes: tuple[str, ...] = ()  # its code, its type, in lower case
    status: int | None = None  # where a code should be
    text: str = ""  # in lower case; to be searched

    @property
    def word(self) -> str:
        """The code as it may be shown."""
        return next((code for code in self.codes if _WORD.fullmatch(code)), "")


def read_problem(body: object) -> Problem:
    """Every shape that is known; an empty one for the rest."""
    outer = as_mapping(body)
    inside = next((outer[key] for key in ("error", "detail") if outer.get(key)), body)
    inner = inside[0] if isinstance(inside, list) and inside else inside
    parts = (as_mapping(inner), outer)
    named = [part.get(key) for part in parts for key in ("code", "type")]
    codes = tuple(name.strip().lower() for name in named if isinstance(name, str))
    numbers = [_status(name) for name in named]
    text = " ".join(_texts(inner)) or " ".join(_texts(outer))
    return Problem(codes, next(filter(None, numbers), None), text[:4000].lower())


def _status(name: object) -> int | None:
    """A code that is a status, as a number or as digits."""
    if isinstance(name, str) and re.fullmatch("[45][0-9]{2}", name):
        return int(name)
    is_number = isinstance(name, int) and not isinstance(name, bool)
    return name if is_number and 400 <= name < 600 else None  # type: ignore[operator, return-value]


def _texts(part: object) -> Iterator[str]:
    match part:
        case str():
            yield part
        case dict():
            said = [part.get(key) for key in ("param", "message", "msg")]
            where = part.get("loc")  # of a field that was not taken
            places = where if isinstance(where, list) else []
            yield from (text for text in (*said, *places) if isinstance(text, str))


def read_body(answer: Answer, now: datetime) -> Mapping[str, object]:
    """The object in a good answer. Raises ServiceError for every other answer; one that is not
    JSON is a proxy's page, and may pass."""
    is_good = 200 <= answer.status < 300
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not is_good or as_mapping(body).get("error"):
        raise _error_of(answer, read_problem(body), now)
    if body is None:
        raise TransientError(
            SERVICE,
            "an answer of the LLM's that is not JSON",
            http_status=answer.status,
            hint="if this lasts, check services.llm.base_url",
        )
    return as_mapping(body)


def _error_of(answer: Answer, problem: Problem, now: datetime) -> ServiceError:
    status = answer.status if answer.status >= 300 else _status_inside(problem)
    said = f"{answer.status} {problem.word}".strip()
    asked_s = retry_after(answer, now)
    if _is_too_long(status, problem):
        text = f"more than the LLM can read ({said})"
        return ContactError(SERVICE, text, http_status=answer.status, code=problem.word)
    if row := _refusal(status, problem):
        return ServiceRefused(
            SERVICE,
            f"{row.text} ({said})",
            kind=row.kind,
            http_status=answer.status,
            code=problem.word,
            hint=row.hint,
        )
    if status in _PASSING or status >= 500:
        return TransientError(
            SERVICE,
            f"{said} from the LLM",
            http_status=answer.status,
            code=problem.word,
            retry_after_s=None if asked_s is None else min(asked_s, _DAY_S),
        )
    if status < 400:  # not followed: it would take the key elsewhere
        return ServiceRefused(
            SERVICE,
            f"the LLM has moved ({said})",
            kind=RefusalKind.CONFIG,
            http_status=answer.status,
            hint="put the address it points to into services.llm.base_url",
        )
    text = f"the LLM does not take this ({said})"
    return ContactError(SERVICE, text, http_status=answer.status, code=problem.word)


def _status_inside(problem: Problem) -> int:
    """Of an error that came with 200: it may pass, unless it says what it is."""
    return problem.status or (400 if "invalid_request_error" in problem.codes else 500)


def _is_too_long(status: int, problem: Problem) -> bool:
    if not _TOO_LONG.isdisjoint(problem.codes):
        return True
    return status in (400, 413, 422) and "context length" in problem.text


def _refusal(status: int, problem: Problem) -> _Row | None:
    for row in _REFUSALS:
        if not row.codes.isdisjoint(problem.codes):
            return row
    if status in (400, 422) and _NAMES_A_PARAMETER.search(problem.text):
        return _PARAMETER
    return next((row for row in _REFUSALS if status in row.statuses), None)


def read_tokens(body: Mapping[str, object]) -> tuple[int, int] | None:
    """(in, out) as they are billed; None when the answer does not say so sensibly."""
    usage = as_mapping(body.get("usage"))
    match usage.get("prompt_tokens"), usage.get("completion_tokens"):
        case int(read), int(written) if min(read, written) >= 0:
            return (read, written) if max(read, written) < _MOST_TOKENS else None
        case _:
            return None
