"""What goes wrong, for whom, and when: the plan that the world follows."""

import difflib
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from callagent_cli.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class _Usual:
    """When a fault without times begins, and how long an outage lasts then."""

    from_dial: int
    lasts_s: float


_CHANNEL = _Usual(from_dial=1, lasts_s=95.0)  # it may have no more than one message in a run
_USUAL: Mapping[str, _Usual] = {
    "elevenlabs": _Usual(from_dial=5, lasts_s=95.0),  # the calls before it succeed
    # several calls come before it, fall into it and come after it; usually the CRM's fourth is
    # the first call's entry into its history, which must not be made twice
    "crm": _Usual(from_dial=4, lasts_s=300.0),
    "llm": _Usual(from_dial=3, lasts_s=300.0),
    "sheets": _Usual(from_dial=2, lasts_s=300.0),
    "telegram": _CHANNEL,
    "webhook": _CHANNEL,
    "smtp": _CHANNEL,
}
SERVICES = tuple(_USUAL)
ALL = "all"  # every one of them
_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class FaultKind(StrEnum):
    """How a service fails, as ElevenLabs does; the others have answers of their own for the
    same. The last column: does a phone ring, or whatever the request was for?"""

    UNAVAILABLE = "503"  # HTTP 503                                        no
    BUSY = "429"  # HTTP 429, system_busy                                  no
    CREDENTIALS = "401"  # HTTP 401, invalid key                           no
    QUOTA = "quota"  # HTTP 401, quota_exceeded                            no
    TIMEOUT = "timeout"  # carried out, but the answer never comes         yes
    RESET_AFTER = "reset-after"  # carried out, then the connection drops  yes
    GARBAGE = "garbage"  # carried out, answered with HTML                 yes
    SLOW = "slow"  # carried out, answered after some seconds              yes


@dataclass(frozen=True, slots=True)
class Fault:
    """Without any bound: always. from_s, to_s: seconds since the world began, to_s excluded.
    from_request, to_request: the service's requests by number (from 1, both included).
    from_dial: begins with that dial (from 1) and lasts `lasts_s`, None for good; is_once: meets
    that dial only. A `dial` of any other service than the dialler is a piece of the work that it
    is there for: an opening line, a message, rows, a look-up or an outcome; not a health check."""

    service: str
    kind: FaultKind
    from_s: float = 0.0
    to_s: float | None = None
    from_dial: int | None = None
    lasts_s: float | None = None
    is_once: bool = False
    from_request: int = 1
    to_request: int | None = None

    def has_request(self, request_no: int) -> bool:
        return self.from_request <= request_no and (
            self.to_request is None or request_no <= self.to_request
        )

    def has_time(self, now_s: float) -> bool:
        return self.from_s <= now_s and (self.to_s is None or now_s < self.to_s)


class FaultPlan:
    """Which fault, if any, meets a request. Thread-safe."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = list(faults)
        self._lock = threading.Lock()

    @property
    def services(self) -> frozenset[str]:
        """Those that something goes wrong with."""
        return frozenset(fault.service for fault in self._faults)

    def meets(
        self, service: str, now_s: float, *, dial_no: int | None, request_no: int
    ) -> FaultKind | None:
        """The first that applies. dial_no: the number of this dial, from 1; None for every
        other request. request_no: of this request of any kind, from 1."""
        with self._lock:
            return self._meets(service, now_s, dial_no, request_no)

    def _meets(
        self, service: str, now_s: float, dial_no: int | None, request_no: int
    ) -> FaultKind | None:
        for index, fault in enumerate(self._faults):
            if fault.service != service:
                continue
            begun = _begun(fault, now_s, dial_no)
            if begun is None:
                continue
            if not fault.is_once:
                self._faults[index] = begun
            if begun.has_time(now_s) and begun.has_request(request_no):
                return begun.kind
        return None


def _begun(fault: Fault, now_s: float, dial_no: int | None) -> Fault | None:
    """The fault as one of time only; None when its dial has not come."""
    if fault.from_dial is None:
        return fault
    if dial_no is None or dial_no < fault.from_dial:
        return None
    if fault.is_once:
        return fault if dial_no == fault.from_dial else None
    to_s = None if fault.lasts_s is None else now_s + fault.lasts_s
    return replace(fault, from_dial=None, from_s=now_s, to_s=to_s)


def parse_fault(text: str) -> Fault:
    """`SERVICE[:FAULT][@FROM[-TO]]`, times as `60`, `90s`, `2m`; without TO, for good.

    Without times the fault begins with the fifth dial, the CRM's fourth or the LLM's third
    piece of work, the sheet's second batch of rows, a channel's first message; an outage then
    lasts 95 s (300 s of CRM, LLM and sheet), a refusal for good, and what hits one request (a
    lost or unclear answer) meets that one only.
    """
    match = re.fullmatch(r"([^:@]+)(?::([^@]+))?(?:@(.+))?", text.strip())
    if match is None:
        raise InputError(f"--fail {text!r} is not SERVICE[:FAULT][@FROM-TO]", hint=_EXAMPLE)
    service = _known(match[1], SERVICES, "service")
    kind = FaultKind(_known(match[2] or "503", [str(kind) for kind in FaultKind], "fault"))
    if match[3] is None:
        is_for_good = kind in (FaultKind.CREDENTIALS, FaultKind.QUOTA)
        is_outage = kind in (FaultKind.UNAVAILABLE, FaultKind.BUSY, FaultKind.SLOW)
        usual = _USUAL[service]
        return Fault(
            service,
            kind,
            from_dial=usual.from_dial,
            lasts_s=None if is_for_good else usual.lasts_s,
            is_once=not is_outage and not is_for_good,
        )
    from_s, to_s = _span(match[3], text)
    return Fault(service, kind, from_s, to_s)


def parse_faults(text: str) -> list[Fault]:
    """As parse_fault; `all` in the place of the service is every service."""
    service, mark, rest = re.fullmatch(r"([^:@]*)([:@]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]  # it matches any text
    if service.strip().lower() != ALL:
        return [parse_fault(text)]
    return [parse_fault(f"{name}{mark}{rest}") for name in SERVICES]


_EXAMPLE = "for example `elevenlabs`, `crm:401`, `all` or `elevenlabs:503@60-155`"


def _known(word: str, known: Sequence[str], what: str) -> str:
    word = word.strip().lower()
    if word in known:
        return word
    near = difflib.get_close_matches(word, known, 1)
    also = f" or {ALL}" if known is SERVICES else ""
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}{also}"
    raise InputError(f"no {what} {word!r} to fail", hint=hint)


def _span(text: str, whole: str) -> tuple[float, float | None]:
    begin, dash, end = text.partition("-")
    from_s = _seconds(begin, whole)
    if not dash:
        return from_s, None
    to_s = _seconds(end, whole)
    if to_s <= from_s:
        raise InputError(f"--fail {whole!r} ends before it begins", hint=_EXAMPLE)
    return from_s, to_s


def _seconds(text: str, whole: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise InputError(f"--fail {whole!r}: {text!r} is no time", hint=_EXAMPLE)
    return float(match[1]) * _UNITS_S[match[2]]
