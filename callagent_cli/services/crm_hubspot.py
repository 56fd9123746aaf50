"""HubSpot: looks contacts up before the call, and is told afterwards how it ended: as properties
of the contact, and as a call in its history."""

from collections.abc import Mapping, Sequence

from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import (
    AmbiguousError,
    ContactError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    ThrottledError,
)
from callagent_cli.domain.health import Health
from callagent_cli.services.checkup import Checkup
from callagent_cli.services.crm_hubspot_api import HubSpotApi
from callagent_cli.services.crm_hubspot_calls import call_of, is_logged
from callagent_cli.services.crm_hubspot_fields import PropertyChecks
from callagent_cli.services.crm_hubspot_people import People
from callagent_cli.services.crm_values import (
    SERVICE,
    as_text,
    as_variables,
    field_of,
    read_delivery,
    require_fields,
)
from callagent_cli.services.http_session import HttpSession

PROPERTIES, ENGAGEMENT = "properties", "engagement"

_WAYS = ("id", "email", "phone")
_SEARCH_LAG_S = 60.0  # HubSpot's search finds what is new after 10 to 60 seconds
_MOST_VALUE = 60_000  # HubSpot's own limit is 65,536 characters


class HubSpot:
    """A ports.Crm, a ports.Prober and a delivery.Destination. Its pace is the caller's: HubSpot
    takes about 4 searches a second from a whole account.

    find_by: of `id`, `email`, `phone`; empty: nobody is looked up before a call, but in all
    three ways when an outcome is delivered. id_property: the unique property that holds our
    `id`; empty: our `id` is HubSpot's. read: property → our variable. write: property → field
    of the call record, or `collected.<name>`; what a call does not have is left as it is.

    The payload of a delivery is `{"part": one of owes, "record": CallRecord.as_data()}`.
    Raises ConfigError for a field that no record has.
    """

    name = service = SERVICE
    most_at_once = 1

    def __init__(
        self,
        session: HttpSession,
        *,
        clock: Clock,
        api_version: str = "2026-09",
        find_by: Sequence[str] = _WAYS,
        id_property: str = "",
        read: Mapping[str, str],
        write: Mapping[str, str],
        default_region: str = "US",
        log_call: bool = True,
    ) -> None:
        require_fields(write.values(), "services.crm.write")
        self._api = HubSpotApi(session, clock=clock, version=api_version)
        self._clock, self._asks = clock, bool(find_by)
        ways, names = tuple(find_by) or _WAYS, tuple(read)
        self._people = People(self._api, ways, id_property, names, default_region)
        self._read, self._write = dict(read), dict(write)
        self._checks = PropertyChecks(
            self._api, clock, read=read, write=write, id_property=id_property
        )
        self.owes = (PROPERTIES,) * bool(write) + (ENGAGEMENT,) * log_call
        self._in_doubt_at_s: dict[str, float] = {}  # delivery's key → monotonic
        self._last_found = ("", "")  # attempt id, HubSpot's id: its parts come one after another

    def find(self, contact: Contact) -> KnownPerson | None:
        found = self._people.find(contact) if self._asks else None
        if found is None:
            return None
        crm_id, properties = found
        values = {name: properties.get(key) for key, name in self._read.items()}
        return KnownPerson(crm_id, as_variables(values))

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Tell one part of one outcome. See Destination for what it raises."""
        for delivery in deliveries:
            part, record = read_delivery(delivery)
            match part:
                case "properties":
                    self._update(record)
                case "engagement":
                    self._log(record, delivery)
                case _:
                    raise ContactError(SERVICE, "an outcome's part that HubSpot is not told")

    def _update(self, record: CallRecord) -> None:
        texts = {name: as_text(field_of(record, field)) for name, field in self._write.items()}
        properties = {name: text[:_MOST_VALUE] for name, text in texts.items() if text}
        if properties:
            self._api.update_contact(self._crm_id(record), properties)

    def _log(self, record: CallRecord, delivery: Delivery) -> None:
        if delivery.earlier_tries and self._is_logged(record, delivery):
            self._in_doubt_at_s.pop(delivery.key, None)
            return
        body = call_of(record, self._crm_id(record))
        try:
            self._api.create("calls", body)
        except AmbiguousError:
            self._in_doubt_at_s[delivery.key] = self._clock.monotonic()
            raise
        self._in_doubt_at_s.pop(delivery.key, None)

    def _is_logged(self, record: CallRecord, delivery: Delivery) -> bool:
        """Ask, but not before an earlier try's call can be found."""
        if is_logged(self._api, record):
            return True
        wait_s = self._search_lag_s(delivery)
        if wait_s > 0:
            raise ThrottledError(
                SERVICE,
                "HubSpot's search is not up to date yet: the call may be there",
                retry_after_s=wait_s,
            )
        return False

    def _search_lag_s(self, delivery: Delivery) -> float:
        """Seconds until the search can be trusted to know of an earlier try."""
        tried_at_s = self._in_doubt_at_s.get(delivery.key)
        if tried_at_s is None:  # by an earlier process
            age_s = (self._clock.now() - delivery.created_at).total_seconds()
            return _SEARCH_LAG_S - max(0.0, age_s)
        return _SEARCH_LAG_S - (self._clock.monotonic() - tried_at_s)

    def _crm_id(self, record: CallRecord) -> str:
        """Whom the record is about. Raises ContactError when that is not clear."""
        if record.crm_id:
            return record.crm_id
        if self._last_found[0] == record.attempt_id:
            return self._last_found[1]
        contact = Contact(record.contact_id, record.phone, record.name, record.email)
        found = self._people.find(contact)
        if found is None:
            ways = ", ".join(self._people.find_by)
            raise ContactError(
                SERVICE,
                f"HubSpot has nobody who is clearly this contact (looked for by {ways})",
                hint="create the contact there or merge its doubles, then "
                "`callagent deliveries retry`",
            )
        self._last_found = (record.attempt_id, found[0])
        return found[0]

    def probe(self) -> Health:
        """List one contact; then the definitions of the mapped properties, a few in each
        probe, until they are in order."""
        checkup, began_s = Checkup(SERVICE, self._clock), self._clock.monotonic()
        try:
            self._api.contacts()
            finding = self._checks.find(began_s)
        except ServiceRefused as error:
            if error.kind is RefusalKind.QUOTA:
                return checkup.down(error.message, error.hint)
            return checkup.failed(error)
        except ServiceError as error:
            return checkup.failed(error)
        if finding is not None:
            tell = checkup.misconfigured if finding.is_blocking else checkup.warned
            return tell(finding.what, finding.fix)
        proved = "key and right to read are in order"
        return checkup.well(f"{proved}, and so are the properties" if self._read_all else proved)

    @property
    def _read_all(self) -> bool:
        return self._checks.is_done and bool(self._read or self._write)
