"""HubSpot's CRM API: contacts, and the calls and notes in their history. In every version that it
has: `/crm/objects/2026-09/…` and `/crm/v3/objects/…` are the same here."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from callagent_cli.simulator.dial_request import json_object
from callagent_cli.simulator.exchange import Asked, WorldAnswer, WorldRequest, answer, ok
from callagent_cli.simulator.faults import FaultKind
from callagent_cli.simulator.hubspot_people import SEARCHED, People, value_of
from callagent_cli.simulator.hubspot_search import UnknownFilter, is_wanted, values_of
from callagent_cli.simulator.reception import Reception

_VERSION = re.compile(r"v\d+|\d{4}-\d{2}")
_SEARCH_LAG = timedelta(seconds=30)  # what is new cannot be found yet; HubSpot says 10 to 60 s
_REFERENCE = re.compile(r"\bca_\w+")
_PAGE, _LARGEST_PAGE = 10, 200


@dataclass(frozen=True, slots=True)
class Engagement:
    """A call or a note in the history of some contacts."""

    id: str
    kind: str  # calls or notes
    at: datetime
    properties: Mapping[str, str]
    contact_ids: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The attempt that it tells of; its whole text when that names none."""
        text = self.properties.get("hs_call_body") or self.properties.get("hs_note_body", "")
        found = _REFERENCE.search(text)
        return found[0] if found else text


class HubSpot:
    """Thread-safe. engagements: in the order they came; the same again is another one.

    properties: custom ones of contacts. Keeps as arrivals: `properties` with the contact's id
    and what was written, `calls` and `notes` with their reference.
    """

    api_key = "sandbox"

    def __init__(
        self, reception: Reception, *, seed: int, properties: Collection[str] = ()
    ) -> None:
        self.reception = reception
        self.people = People(seed=seed, properties=properties)
        self.engagements: list[Engagement] = []
        self._clock = reception.clock
        self._began_at = reception.clock.now()

    def handle(self, request: WorldRequest) -> WorldAnswer:
        asked = Asked.of(request)
        is_for_health = asked.method == "GET" and (
            "properties" in asked.parts or asked.parts[-1] == "contacts"
        )
        return self.reception.serve(
            asked.line,
            is_work=not is_for_health,
            refusals=_REFUSALS,
            answer=lambda: self._answer(asked),
        )

    def _answer(self, asked: Asked) -> WorldAnswer:
        if asked.header("authorization") != f"Bearer {self.api_key}":
            return _NO_KEY
        match asked.method, _without_version(asked.parts):
            case "GET", ("objects", "contacts"):
                return self._list(asked)
            case "GET", ("objects", "contacts", key):
                return self._read(key, asked)
            case "PATCH", ("objects", "contacts", key):
                return self._write(key, asked)
            case "POST", ("objects", "contacts", "search"):
                return self._search_people(json_object(asked.body))
            case "POST", ("objects", "calls" | "notes" as kind, "search"):
                return self._search_history(kind, json_object(asked.body))
            case "POST", ("objects", "calls" | "notes" as kind):
                return self._log(kind, json_object(asked.body))
            case "GET", ("properties", "contacts", name):
                found = self.people.definition(name)
                return ok(found) if found else _NOT_FOUND
            case _:
                return _NOT_FOUND

    def _list(self, asked: Asked) -> WorldAnswer:
        limit = int(asked.word("limit")) if asked.word("limit").isdecimal() else _PAGE
        people = list(self.people.all())
        page = [self._person(one, who, _names(asked)) for one, who in people[:limit]]
        more = {"paging": {"next": {"after": page[-1]["id"]}}} if len(people) > limit > 0 else {}
        return ok({"results": page, **more})

    def _read(self, key: str, asked: Asked) -> WorldAnswer:
        found = self._find(key, asked.word("idProperty"))
        return ok(self._person(*found, _names(asked))) if found else _NOT_FOUND

    def _find(self, key: str, id_property: str) -> tuple[str, dict[str, str]] | None:
        if id_property:
            return self.people.of_property(id_property, key)
        properties = self.people.of_id(key)
        return (key, properties) if properties is not None else None

    def _write(self, key: str, asked: Asked) -> WorldAnswer:
        properties = json_object(asked.body).get("properties")
        if not isinstance(properties, dict):
            return _invalid("Invalid input JSON: properties are missing")
        found = self._find(key, asked.word("idProperty"))
        if found is None:
            return _NOT_FOUND
        if faults := self.people.faults_of(properties):
            return _invalid(f"Property values were not valid: {json.dumps(faults)}")
        crm_id, person = found
        person.update(properties)
        self.reception.keep("properties", f"{crm_id}:{json.dumps(properties, sort_keys=True)}")
        return ok(self._person(crm_id, person, properties))

    def _search_people(self, search: Mapping[str, object]) -> WorldAnswer:
        for name in SEARCHED:
            for national in values_of(search, name):
                self.people.expect(national)
        wanted = search.get("properties")
        names = [str(name) for name in wanted] if isinstance(wanted, list) else []
        people = self.people.all()
        return _page(
            search,
            ((partial(value_of, who), self._person(crm_id, who, names)) for crm_id, who in people),
        )

    def _search_history(self, kind: str, search: Mapping[str, object]) -> WorldAnswer:
        until = self._clock.now() - _SEARCH_LAG
        return _page(
            search,
            (
                (one.properties.get, _object(one.id, dict(one.properties), one.at))
                for one in self.engagements
                if one.kind == kind and one.at <= until
            ),
        )

    def _log(self, kind: str, body: Mapping[str, object]) -> WorldAnswer:
        properties = body.get("properties")
        if not isinstance(properties, dict) or not properties.get("hs_timestamp"):
            return _invalid("Required properties weren't set: hs_timestamp")
        contact_ids = tuple(_associated(body.get("associations")))
        if any(self.people.of_id(crm_id) is None for crm_id in contact_ids):
            return _NOT_FOUND
        texts = {str(name): str(value) for name, value in properties.items()}
        number, now = str(5001 + len(self.engagements)), self._clock.now()
        engagement = Engagement(number, kind, now, texts, contact_ids)
        self.engagements.append(engagement)
        self.reception.keep(kind, engagement.reference)
        return answer(201, _object(number, dict(texts), now))

    def _person(
        self, crm_id: str, person: Mapping[str, str], names: Iterable[str]
    ) -> dict[str, object]:
        wanted = ("hs_object_id", *(name for name in names if self.people.has_property(name)))
        return _object(crm_id, {name: value_of(person, name) for name in wanted}, self._began_at)


def _without_version(parts: tuple[str, ...]) -> tuple[str, ...]:
    """`objects/contacts…` of either way to write it; empty when it is none of HubSpot's."""
    match parts:
        case ("crm", "objects" | "properties" as kind, version, *rest):
            is_known = _VERSION.fullmatch(version)
        case ("crm", version, "objects" | "properties" as kind, *rest):
            is_known = _VERSION.fullmatch(version)
        case _:
            return ()
    return (kind, *rest) if is_known else ()


def _names(asked: Asked) -> list[str]:
    return [name for text in asked.query.get("properties", ()) for name in text.split(",")]


def _page(
    search: Mapping[str, object],
    objects: Iterable[tuple[Callable[[str], str | None], dict[str, object]]],
) -> WorldAnswer:
    limit = search.get("limit", _PAGE)
    if not isinstance(limit, int) or not 0 <= limit <= _LARGEST_PAGE:
        return _invalid(f"limit must be from 0 to {_LARGEST_PAGE}")
    try:
        found = [shown for values, shown in objects if is_wanted(search, values)]
    except UnknownFilter as unknown:
        return _invalid(f"Invalid filter: {unknown}")
    more = {"paging": {"next": {"after": str(limit)}}} if len(found) > limit else {}
    return ok({"total": len(found), "results": found[:limit], **more})


def _associated(associations: object) -> Iterable[str]:
    for one in associations if isinstance(associations, list) else ():
        match one:
            case {"to": {"id": crm_id}}:
                yield str(crm_id)


def _object(number: str, properties: Mapping[str, str | None], at: datetime) -> dict[str, object]:
    shown = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": number,
        "properties": dict(properties),
        "createdAt": shown,
        "updatedAt": shown,
        "archived": False,
    }


_CORRELATION = "c0ffee00-0000-4000-8000-000000000000"


def _error(status: int, category: str, message: str) -> WorldAnswer:
    body = {
        "status": "error",
        "message": message,
        "correlationId": _CORRELATION,
        "category": category,
    }
    return answer(status, body)


def _invalid(message: str) -> WorldAnswer:
    return _error(400, "VALIDATION_ERROR", message)


def _limited(policy: str) -> WorldAnswer:
    body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": _CORRELATION,
        "policyName": policy,
    }
    return answer(429, body)


_NOT_FOUND = _error(404, "OBJECT_NOT_FOUND", "resource not found")
_NO_KEY = _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
_REFUSALS: Mapping[FaultKind, WorldAnswer] = {
    FaultKind.UNAVAILABLE: _error(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable"),
    FaultKind.BUSY: _limited("TEN_SECONDLY_ROLLING"),
    FaultKind.CREDENTIALS: _NO_KEY,
    FaultKind.QUOTA: _limited("DAILY"),
}
