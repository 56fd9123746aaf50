"""Any CRM that speaks JSON over HTTP: asked with a GET before the call, told with a POST after."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import ContactError, ServiceError, TransientError
from callagent_cli.domain.health import Health
from callagent_cli.services.checkup import Checkup
from callagent_cli.services.crm_http_answers import error_of
from callagent_cli.services.crm_templates import filled, filled_text, names_in, require_known
from callagent_cli.services.crm_values import (
    SERVICE,
    as_text,
    as_variable,
    as_variables,
    at_path,
    field_of,
    read_delivery,
    require_fields,
)
from callagent_cli.services.http_session import Answer, HttpSession, Timeouts
from callagent_cli.services.signature import signature_of

RECORD = "record"

_CONTACT_NAMES = ("id", "phone", "email", "name")
_QUICK = Timeouts(connect_s=3.0, read_s=8.0, total_s=10.0)  # for the probe


class HttpCrm:
    """A ports.Crm, a ports.Prober and a delivery.Destination.

    find_path: with {id}, {phone}, {email}, {name}, as `/people?phone={phone}`; None: nobody is
    looked up. find_variables: dotted path in the answer → our variable. id_path: where the
    answer has the person's id; a list on the way must have one item, or nobody is meant.
    report_path, report_body: may hold any field of the call record in braces, and
    `{collected.<name>}`; report_path None: it is told nothing; report_body None: the whole
    record. secret: signs what is posted, see signature_of.

    The payload of a delivery is `{"part": "record", "record": CallRecord.as_data()}`. A repeat
    has the same Idempotency-Key, `<attempt id>:<part>`. Raises ConfigError for names unknown.
    """

    name = service = SERVICE
    most_at_once = 1

    def __init__(
        self,
        session: HttpSession,
        *,
        clock: Clock,
        find_path: str | None,
        find_variables: Mapping[str, str],
        id_path: str = "id",
        report_path: str | None,
        report_body: Mapping[str, object] | None,
        health_path: str | None,
        secret: str = "",
    ) -> None:
        if find_path is not None:
            require_known(tuple(names_in(find_path)), _CONTACT_NAMES, "services.crm.find_path")
        require_fields(tuple(names_in(report_path)), "services.crm.report_path")
        require_fields(tuple(names_in(report_body)), "services.crm.report_body")
        self._session, self._clock, self._secret = session, clock, secret
        self._find_path, self._id_path = find_path, id_path
        self._find_variables = dict(find_variables)
        self._report_path, self._report_body = report_path, report_body
        self._health_path = health_path
        self._wants_id = "crm_id" in {*names_in(report_path), *names_in(report_body)}
        self.owes: tuple[str, ...] = () if report_path is None else (RECORD,)

    def find(self, contact: Contact) -> KnownPerson | None:
        path = self._path_for(contact)
        if path is None:
            return None
        answer = self._session.send("GET", path, is_repeatable=True)
        if answer.status in (404, 410):
            return None
        return self._read_person(answer)

    def _path_for(self, contact: Contact) -> str | None:
        """None when there is nothing to look for: a question without a name would be answered
        with everybody."""
        if self._find_path is None:
            return None
        asked = {name: str(getattr(contact, name)) for name in names_in(self._find_path)}
        if (asked and not any(asked.values())) or {".", ".."} & set(asked.values()):
            return None
        return filled_text(self._find_path, lambda name: quote(asked[name], safe=""))

    def _read_person(self, answer: Answer) -> KnownPerson | None:
        self._require_ok(answer, is_about_one=True)
        try:
            data = answer.json()
        except ValueError:
            raise TransientError(
                SERVICE, "an answer of the CRM's that is not JSON", http_status=answer.status
            ) from None
        crm_id = as_variable(at_path(data, self._id_path, is_sole=True))
        if not crm_id:
            return None
        values = {name: at_path(data, path) for path, name in self._find_variables.items()}
        return KnownPerson(crm_id, as_variables(values))

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Post each outcome. See Destination for what it raises."""
        for delivery in deliveries:
            part, record = read_delivery(delivery)
            if part != RECORD or self._report_path is None:
                raise ContactError(SERVICE, "an outcome's part that this CRM is not told")
            self._report(self._report_path, record, part)

    def _report(self, path: str, record: CallRecord, part: str) -> None:
        data = record.as_data()
        if self._wants_id and not record.crm_id:
            data["crm_id"] = self._look_up(record)

        def value_of(name: str) -> object:
            return field_of(record, name) if name.startswith("collected.") else data[name]

        body = data if self._report_body is None else filled(self._report_body, value_of)
        self._post(filled_text(path, lambda name: _path_part(value_of(name))), body, record, part)

    def _look_up(self, record: CallRecord) -> str:
        contact = Contact(record.contact_id, record.phone, record.name, record.email)
        known = self.find(contact)
        if known is None:
            raise ContactError(
                SERVICE,
                "the CRM has nobody who is clearly this contact",
                hint="create the contact there, then `callagent deliveries retry`",
            )
        return known.crm_id

    def _post(self, path: str, body: object, record: CallRecord, part: str) -> None:
        sent = json.dumps(body).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": f"{record.attempt_id}:{part}",
            **signature_of(sent, self._secret, self._clock),
        }
        answer = self._session.send("POST", path, body=sent, headers=headers, is_repeatable=True)
        self._require_ok(answer, is_about_one=bool({*names_in(self._report_path)}))

    def _require_ok(self, answer: Answer, *, is_about_one: bool) -> None:
        if not 200 <= answer.status < 300:
            raise error_of(answer, now=self._clock.now(), is_about_one=is_about_one)

    def probe(self) -> Health:
        """Read health_path. Without one nothing is asked: a request to any other path might
        have an effect."""
        checkup = Checkup(SERVICE, self._clock)
        if self._health_path is None:
            return checkup.warned(
                "not checked: nothing says how",
                "set services.crm.health_path to a path that can be read without an effect",
            )
        try:
            answer = self._session.send(
                "GET", self._health_path, is_repeatable=True, timeouts=_QUICK
            )
            self._require_ok(answer, is_about_one=False)
        except ServiceError as error:
            return checkup.failed(error)
        return checkup.well("reachable and well, as it says itself")


def _path_part(value: object) -> str:
    text = as_text(value)
    if text in ("", ".", ".."):
        raise ContactError(SERVICE, "the call lacks what services.crm.report_path wants of it")
    return quote(text, safe="")
