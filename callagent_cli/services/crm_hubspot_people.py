"""Who in HubSpot a contact is. Nobody rather than somebody else: what is not clear is None."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import phonenumbers

from callagent_cli.domain.contact import Contact
from callagent_cli.domain.errors import TransientError
from callagent_cli.services.crm_hubspot_api import Body, HubSpotApi
from callagent_cli.services.crm_values import SERVICE, as_variable
from callagent_cli.services.elevenlabs_answers import as_mapping

# HubSpot's own readings of the two, without country code, for searching
_SEARCHED = ("hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number")
_NUMBERS = ("phone", "mobilephone")
_MOST_CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class People:
    """find_by: of `id`, `email`, `phone`, in this order.

    id_property: the unique property that holds our `id`; empty: our `id` is HubSpot's own, and
    counts only where number or e-mail agree, for a file's ids may just be its row numbers.
    """

    api: HubSpotApi
    find_by: Sequence[str]
    id_property: str
    properties: Sequence[str]  # to be read of the person
    default_region: str  # of HubSpot's numbers without a country code

    def find(self, contact: Contact) -> tuple[str, Body] | None:
        """(HubSpot's id, properties); None for nobody, and for several who might be meant."""
        for way in self.find_by:
            found = self._find(way, contact)
            if found is not None:
                return _person(found)
        return None

    def _find(self, way: str, contact: Contact) -> Body | None:
        match way:
            case "id" if contact.id != contact.phone:
                return self._by_id(contact)
            case "email" if _is_path_part(contact.email):
                return self._read(contact.email, "email")
            case "phone":
                return self._by_phone(contact.phone)
            case _:
                return None

    def _by_id(self, contact: Contact) -> Body | None:
        if self.id_property:
            key = contact.id
            return self._read(key, self.id_property) if _is_path_part(key) else None
        if not (contact.id.isascii() and contact.id.isdecimal()):
            return None  # no id of HubSpot's
        found = self._read(contact.id)
        return found if found is not None and self._agrees(found, contact) else None

    def _read(self, key: str, id_property: str = "") -> Body | None:
        wanted = dict.fromkeys((*self.properties, "email", *_NUMBERS))
        return self.api.contact(key, properties=wanted, id_property=id_property)

    def _agrees(self, found: Body, contact: Contact) -> bool:
        properties = as_mapping(found.get("properties"))
        numbers = set(self._numbers(properties))
        email = as_variable(properties.get("email")).casefold() if contact.email else ""
        is_comparable = bool(numbers or email)
        return (
            not is_comparable
            or contact.phone in numbers
            or (bool(email) and email == contact.email.casefold())
        )

    def _by_phone(self, phone: str) -> Body | None:
        """Numbers of different countries look the same without their code, so each candidate's
        own number is read as a whole."""
        national = _national(phone)
        if not national:
            return None
        page = self.api.search("contacts", self._search_for(national))
        results = page.get("results")
        if not isinstance(results, list):
            raise TransientError(SERVICE, "a search of HubSpot's without results")
        if page.get("paging"):
            return None  # more than anybody's number
        candidates = [as_mapping(item) for item in results]
        same = [
            item
            for item in candidates
            if phone in self._numbers(as_mapping(item.get("properties")))
        ]
        return same[0] if len(same) == 1 else None

    def _search_for(self, national: str) -> Body:
        groups = [
            {"filters": [{"propertyName": name, "operator": "EQ", "value": national}]}
            for name in _SEARCHED
        ]
        wanted = list(dict.fromkeys((*self.properties, "email", *_NUMBERS)))
        return {"filterGroups": groups, "properties": wanted, "limit": _MOST_CANDIDATES}

    def _numbers(self, properties: Body) -> Iterator[str]:
        """E.164."""
        for name in _NUMBERS:
            try:
                number = phonenumbers.parse(as_variable(properties.get(name)), self.default_region)
            except phonenumbers.NumberParseException:
                continue
            yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _person(found: Body) -> tuple[str, Body]:
    crm_id = as_variable(found.get("id"))
    if not _is_path_part(crm_id):
        raise TransientError(SERVICE, "a contact of HubSpot's without an id")
    return crm_id, as_mapping(found.get("properties"))


def _is_path_part(key: str) -> bool:
    """Whether a path can end in it: a dot or two would be taken for a folder."""
    return key not in ("", ".", "..")


def _national(phone: str) -> str:
    """The national significant number of an E.164 number; empty when it is none."""
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ""
    return str(phonenumbers.national_significant_number(number))
