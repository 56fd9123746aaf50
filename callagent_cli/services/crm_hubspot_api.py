"""HubSpot's CRM API: one request a method, its answer sorted. Paths carry the API's version."""

from collections.abc import Collection, Mapping
from urllib.parse import quote

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import ContactError, TransientError
from callagent_cli.services.crm_hubspot_answers import Asked, error_of
from callagent_cli.services.crm_values import SERVICE
from callagent_cli.services.elevenlabs_answers import as_mapping
from callagent_cli.services.http_session import Answer, HttpSession, Timeouts

QUICK = Timeouts(connect_s=3.0, read_s=3.5, total_s=3.5)  # for probes

Body = Mapping[str, object]


class HubSpotApi:
    """version: a date as `2026-09`, or `v3`."""

    def __init__(self, session: HttpSession, *, clock: Clock, version: str) -> None:
        self._session, self._clock = session, clock
        is_dated = not version.startswith("v")
        self._objects = f"/crm/objects/{version}" if is_dated else f"/crm/{version}/objects"
        self._properties = (
            f"/crm/properties/{version}" if is_dated else f"/crm/{version}/properties"
        )

    def contact(
        self, key: str, *, properties: Collection[str], id_property: str = ""
    ) -> Body | None:
        """The contact whose id, or whose unique property, is `key`; None when there is none."""
        query: dict[str, str | int] = {"properties": ",".join(properties)}
        if id_property:
            query["idProperty"] = id_property
        return self._one(self._contact_path(key), query)

    def contacts(self) -> Body:
        """The first contact of all: proves the key and its right to read."""
        query: dict[str, str | int] = {"limit": 1, "properties": "email"}
        answer = self._get(f"{self._objects}/contacts", query, limits=QUICK)
        return self._body(answer, Asked.MANY)

    def property_of_contacts(self, name: str) -> Body | None:
        """How a property is defined; None when there is none of that name."""
        return self._one(f"{self._properties}/contacts/{quote(name, safe='')}", {}, limits=QUICK)

    def search(self, kind: str, wanted: Body) -> Body:
        """kind: `contacts` or `calls`. What was written in the last minute may be missing."""
        answer = self._session.send(
            "POST", f"{self._objects}/{kind}/search", json=wanted, is_repeatable=True
        )
        return self._body(answer, Asked.MANY)

    def update_contact(self, crm_id: str, properties: Mapping[str, str]) -> None:
        """Set properties; the same again changes nothing."""
        answer = self._session.send(
            "PATCH",
            self._contact_path(crm_id),
            json={"properties": properties},
            is_repeatable=True,
        )
        self._require_ok(answer, Asked.UPDATE, sent=properties)

    def create(self, kind: str, body: Body) -> None:
        """Each request that is carried out makes one more."""
        answer = self._session.send(
            "POST", f"{self._objects}/{kind}", json=body, is_repeatable=False
        )
        self._require_ok(answer, Asked.CREATE, sent=as_mapping(body.get("properties")))

    def _contact_path(self, key: str) -> str:
        return f"{self._objects}/contacts/{quote(key, safe='')}"

    def _get(
        self, path: str, query: Mapping[str, str | int], *, limits: Timeouts | None = None
    ) -> Answer:
        return self._session.send("GET", path, params=query, is_repeatable=True, timeouts=limits)

    def _one(
        self, path: str, query: Mapping[str, str | int], *, limits: Timeouts | None = None
    ) -> Body | None:
        answer = self._get(path, query, limits=limits)
        try:
            return self._body(answer, Asked.ONE)
        except ContactError as error:
            if error.http_status == 404:
                return None
            raise

    def _body(self, answer: Answer, asked: Asked) -> Body:
        self._require_ok(answer, asked)
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise TransientError(
                SERVICE, "an answer of HubSpot's that is no JSON object", http_status=answer.status
            )
        return body

    def _require_ok(self, answer: Answer, asked: Asked, sent: Collection[str] = ()) -> None:
        if not 200 <= answer.status < 300:
            raise error_of(answer, asked, now=self._clock.now(), sent=sent)
