"""The contacts of the simulated HubSpot account, and how its properties are defined."""

import random
from collections.abc import Collection, Iterator, Mapping

Properties = dict[str, str]

SEARCHED = {  # HubSpot's own reading of a number, without country code → where it stands
    "hs_searchable_calculated_phone_number": "phone",
    "hs_searchable_calculated_mobile_number": "mobilephone",
}
_OWN_PREFIX = "callagent_"
_STANDARD = (
    "firstname",
    "lastname",
    "email",
    "phone",
    "mobilephone",
    "company",
    "city",
    "jobtitle",
    "lifecyclestage",
    "hs_lead_status",
    "notes_last_contacted",
)
_READ_ONLY = frozenset({*SEARCHED, "hs_object_id", "createdate", "lastmodifieddate"})
_NAMES = ("Alex", "Robin", "Sam", "Kim", "Jo", "Max", "Lee", "Toni", "Kai", "Noa")


class People:
    """seed: decides who an invented contact is. properties: custom ones, beside the standard
    ones and all that begin with `callagent_`. Not thread-safe."""

    def __init__(self, *, seed: int, properties: Collection[str] = ()) -> None:
        self._seed, self._custom = seed, frozenset(properties)
        self._people: dict[str, Properties] = {}  # id → properties

    def add(self, crm_id: str, **properties: str) -> None:
        self._people[crm_id] = {"hs_object_id": crm_id, **properties}

    def of_id(self, crm_id: str) -> Properties | None:
        return self._people.get(crm_id)

    def of_property(self, name: str, value: str) -> tuple[str, Properties] | None:
        """The contact whose unique property is `value`; e-mail has no case."""
        for crm_id, properties in self._people.items():
            if properties.get(name, "").casefold() == value.casefold():
                return crm_id, properties
        return None

    def all(self) -> Iterator[tuple[str, Properties]]:
        yield from self._people.items()

    def expect(self, national: str) -> None:
        """Somebody is looked for by this number: unless a contact has it, invent one, for the
        sandbox knows everybody in North America."""
        is_american = len(national) == 10 and national.isdecimal()
        if is_american and not any(national in _nationals(who) for _, who in self.all()):
            dice = random.Random(f"{self._seed}:{national}")  # noqa: S311 - a simulation
            name = dice.choice(_NAMES)
            crm_id = str(10_000_000 + int(national) % 10_000_000)
            while crm_id in self._people:
                crm_id = str(int(crm_id) + 1)
            self.add(crm_id, firstname=name, phone=f"+1{national}", city="Springfield")

    def definition(self, name: str) -> dict[str, object] | None:
        """As GET property; None for one that the account does not have."""
        if not self.has_property(name):
            return None
        return {
            "name": name,
            "label": name.replace("_", " ").capitalize(),
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
            "description": "",
            "options": [],
            "calculated": name in SEARCHED,
            "archived": False,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": False,
                "readOnlyValue": name in _READ_ONLY,
            },
        }

    def has_property(self, name: str) -> bool:
        known = name in _STANDARD or name in self._custom or name in _READ_ONLY
        return known or name.startswith(_OWN_PREFIX)

    def faults_of(self, properties: Mapping[str, object]) -> list[dict[str, object]]:
        """Why these cannot be written; empty when they can."""
        return [
            {
                "isValid": False,
                "message": f'Property "{name}" cannot be written',
                "error": error,
                "name": name,
            }
            for name, value in properties.items()
            if (error := self._fault(name, value))
        ]

    def _fault(self, name: str, value: object) -> str:
        if not self.has_property(name):
            return "PROPERTY_DOESNT_EXIST"
        if name in _READ_ONLY:
            return "READ_ONLY_VALUE"
        return "" if isinstance(value, str) else "INVALID_TYPE"


def value_of(properties: Mapping[str, str], name: str) -> str | None:
    """With HubSpot's own readings."""
    if name in SEARCHED:
        number = properties.get(SEARCHED[name])
        return _national(number) if number else None
    return properties.get(name)


def _nationals(properties: Mapping[str, str]) -> list[str]:
    return [_national(properties.get(name, "")) for name in SEARCHED.values()]


def _national(number: str) -> str:
    """Right for North America, and for the rest near enough: the last ten digits."""
    digits = "".join(c for c in number if c.isdecimal())
    return digits[-10:]
