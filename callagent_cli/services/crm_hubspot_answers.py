"""What HubSpot's answers mean, sorted once.

Error bodies come in two families, and from the edge as HTML: every field is optional. What
`message` says may be personal: only names that we sent ourselves are taken from it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.services.crm_values import SERVICE
from callagent_cli.services.elevenlabs_answers import as_mapping, retry_after
from callagent_cli.services.http_session import Answer

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_CODE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
_LOCKED_S, _MIGRATING_S, _DAY_S = 2.0, 3600.0, 86400.0
_LIMIT_WAITS_S = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}


class Asked(Enum):
    """What kind of request an answer is for."""

    ONE = auto()  # a read of one object: its absence is an answer
    MANY = auto()  # a list or a search
    UPDATE = auto()  # may be made twice
    CREATE = auto()  # a repeat makes a second one


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error body says, as far as it can be shown."""

    category: str = ""
    policy: str = ""  # of the limit that was met
    correlation_id: str = ""
    scopes: tuple[str, ...] = ()  # missing
    names: tuple[str, ...] = ()  # of properties that we sent and it did not take
    codes: tuple[str, ...] = ()  # why

    def said(self, status: int) -> str:
        about = f" (correlation id {self.correlation_id})" if self.correlation_id else ""
        return f"{status} {self.category or self.policy}".rstrip() + about


def read_problem(answer: Answer, sent: Collection[str] = ()) -> Problem:
    """sent: names of the properties in the request."""
    try:
        body = as_mapping(answer.json())
    except ValueError:
        return Problem()
    errors = [as_mapping(error) for error in _listed(body.get("errors"))]
    message = body.get("message")
    text = message if isinstance(message, str) else ""
    contexts = [as_mapping(part.get("context")) for part in (body, *errors)]
    named = {
        *(str(error.get(key)) for error in errors for key in ("name", "in")),
        *(str(name) for context in contexts for name in _listed(context.get("propertyName"))),
        *re.findall(r'"name"\s*:\s*"([^"]+)"', text),
    }
    scopes = (_listed(context.get("requiredGranularScopes")) for context in contexts)
    return Problem(
        category=_word(body.get("category")) or _word(body.get("errorType")),
        policy=_word(body.get("policyName")),
        correlation_id=_word(body.get("correlationId")),
        scopes=tuple(filter(None, (_word(scope) for found in scopes for scope in found))),
        names=tuple(name for name in sent if name in named),
        codes=tuple(_codes(errors, text)),
    )


def _codes(errors: list[Mapping[str, object]], text: str) -> Iterator[str]:
    yield from filter(None, (_word(error.get("code")) for error in errors))
    yield from re.findall(r'"error"\s*:\s*"([A-Z_]{1,60})"', text)
    yield from _CODE.findall(text)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def error_of(
    answer: Answer, asked: Asked, *, now: datetime, sent: Collection[str] = ()
) -> ServiceError:
    """The error that an answer other than 2xx means."""
    problem, status = read_problem(answer, sent), answer.status
    wait_s = retry_after(answer, now)
    if wait_s is not None:
        wait_s = min(wait_s, _DAY_S)
    match status:
        case 400:
            return _not_valid(problem)
        case 401 | 402 | 403:
            return _refused(problem, status)
        case 404:
            return _not_found(problem, asked)
        case 423 | 429 | 477:
            return _later(answer, problem, wait_s)
        case _ if status in (408, 425) or status >= 500:
            return _broken(problem, status, asked, wait_s)
        case _ if status < 400:
            said = f"an answer that makes no sense ({problem.said(status)})"
            return _no_use(said, status, "check services.crm.base_url and api_version")
        case _:
            return _not_taken(problem, status, "HubSpot does not take this: {}")


def _later(answer: Answer, problem: Problem, wait_s: float | None) -> ServiceError:
    """Nothing was done, and HubSpot says so."""
    match answer.status:
        case 423:
            return _passing(problem, 423, max(wait_s or 0.0, _LOCKED_S))
        case 477:
            return _passing(problem, 477, _MIGRATING_S if wait_s is None else wait_s)
        case _:
            return _limited(answer, problem, wait_s)


def _passing(problem: Problem, status: int, wait_s: float | None) -> TransientError:
    said = problem.said(status)
    return TransientError(
        SERVICE, said, http_status=status, code=problem.category, retry_after_s=wait_s
    )


def _broken(problem: Problem, status: int, asked: Asked, wait_s: float | None) -> ServiceError:
    if asked is not Asked.CREATE or status == 425:
        return _passing(problem, status, wait_s)
    said = f"unclear answer {problem.said(status)}: it may have been carried out"
    return AmbiguousError(
        SERVICE, said, http_status=status, code=problem.category, retry_after_s=wait_s
    )


def _limited(answer: Answer, problem: Problem, wait_s: float | None) -> ServiceError:
    left = answer.headers.get("X-HubSpot-RateLimit-Daily-Remaining", "").strip()
    if "DAILY" in problem.policy.upper() or left == "0":
        return ServiceRefused(
            SERVICE,
            f"today's requests to HubSpot are used up ({problem.said(429)})",
            kind=RefusalKind.QUOTA,
            http_status=429,
            code="DAILY",
            hint="wait until midnight in the time zone of the HubSpot account: nothing that is "
            "owed to it is lost; or raise the account's limit",
        )
    wait_s = _LIMIT_WAITS_S.get(problem.policy) if wait_s is None else wait_s
    return ThrottledError(
        SERVICE, problem.said(429), http_status=429, code=problem.policy, retry_after_s=wait_s
    )


def _refused(problem: Problem, status: int) -> ServiceRefused:
    said = problem.said(status)
    if status == 402:
        text, kind = f"HubSpot wants to be paid first ({said})", RefusalKind.QUOTA
        hint = "look at the plan of the HubSpot account"
    elif status == 401:
        text, kind = f"HubSpot refuses the key ({said})", RefusalKind.CREDENTIALS
        hint = "put the token of a private app of this account into CRM_API_KEY"
    else:
        text, kind = f"HubSpot's key lacks a right ({said})", RefusalKind.CREDENTIALS
        scopes = problem.scopes or ("crm.objects.contacts.read", "crm.objects.contacts.write")
        hint = f"give the private app the scope {', '.join(dict.fromkeys(scopes))}"
    return ServiceRefused(
        SERVICE, text, kind=kind, http_status=status, code=problem.category, hint=hint
    )


def _no_use(text: str, status: int, hint: str) -> ServiceRefused:
    return ServiceRefused(SERVICE, text, kind=RefusalKind.CONFIG, http_status=status, hint=hint)


def _not_found(problem: Problem, asked: Asked) -> ServiceError:
    if asked is Asked.MANY:
        said = f"HubSpot does not know this path ({problem.said(404)})"
        return _no_use(said, 404, "check services.crm.api_version and base_url")
    return _not_taken(problem, 404, "HubSpot has no such record any more: {}")


_REMEDIES = {
    "PROPERTY_DOESNT_EXIST": "create it in HubSpot, or correct its name in services.crm.write",
    "INVALID_OPTION": "add the value to its options in HubSpot, or write to a text property",
    "READ_ONLY_VALUE": "it cannot be written: choose another one in services.crm.write",
}
_OTHER_REMEDY = "compare its type in HubSpot with what services.crm.write puts there"


def _not_valid(problem: Problem) -> ContactError:
    said = problem.said(400)
    if not problem.names:
        return _not_taken(problem, 400, "HubSpot does not take what it is given: {}")
    code = next((code for code in problem.codes if code in _REMEDIES), "")
    remedy = _REMEDIES.get(code, _OTHER_REMEDY)
    quoted = ", ".join(f"'{name}'" for name in problem.names)
    which = "property" if len(problem.names) == 1 else "properties"
    text = f"HubSpot does not take {which} {quoted}: {remedy} [{said}]"
    return ContactError(SERVICE, text, http_status=400, code=code, hint=remedy)


def _not_taken(problem: Problem, status: int, text: str) -> ContactError:
    return ContactError(
        SERVICE, text.format(problem.said(status)), http_status=status, code=problem.category
    )
