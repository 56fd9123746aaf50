"""Whether HubSpot has the properties that services.crm names, and whether they can be written."""

from collections.abc import Collection, Mapping

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.health import Finding, advice, blocking
from callagent_cli.services.crm_hubspot_api import Body, HubSpotApi
from callagent_cli.services.elevenlabs_answers import as_mapping

_MOST_AT_ONCE = 5
_BUDGET_S = 6.0  # no check begins later than this into a probe


class PropertyChecks:
    """Each property is read until it is found in order, a few in each probe.

    read: names of properties whose values we read. write: property → field of the outcome.
    id_property: a property that is only looked for; may be empty.
    """

    def __init__(
        self,
        api: HubSpotApi,
        clock: Clock,
        *,
        read: Collection[str],
        write: Mapping[str, str],
        id_property: str = "",
    ) -> None:
        self._api, self._clock, self._write = api, clock, write
        self._settings = {
            **({id_property: "id_property"} if id_property else {}),
            **dict.fromkeys(read, "read"),
            **dict.fromkeys(write, "write"),
        }
        self._due = list(self._settings)

    @property
    def is_done(self) -> bool:
        return not self._due

    def find(self, began_s: float) -> Finding | None:
        """The first thing wrong. began_s: of the probe, monotonic. Raises ServiceError."""
        for name in self._due[:_MOST_AT_ONCE]:
            if self._clock.monotonic() - began_s > _BUDGET_S:
                return None
            finding = self._check(name)
            if finding is not None:
                return finding
            self._due.remove(name)
        return None

    def _check(self, name: str) -> Finding | None:
        where = self._settings[name]
        definition = self._api.property_of_contacts(name)
        if definition is None or definition.get("archived") is True:
            return blocking(
                f"HubSpot has no property '{name}' of contacts",
                f"create it there, or correct its name in services.crm.{where}",
            )
        if where != "write":
            return None
        if as_mapping(definition.get("modificationMetadata")).get("readOnlyValue") is True:
            return blocking(
                f"HubSpot does not let anybody write its property '{name}'",
                "choose another property in services.crm.write",
            )
        return _check_options(name, definition) if self._write[name] == "disposition" else None


def _check_options(name: str, definition: Body) -> Finding | None:
    """Whether a property with a choice of values has one for each disposition."""
    options = definition.get("options")
    if not isinstance(options, list) or not options:
        return None
    known = {as_mapping(option).get("value") for option in options}
    missing = [one.value for one in Disposition if one.value not in known]
    if not missing:
        return None
    return advice(
        f"HubSpot's property '{name}' has no option {', '.join(missing)}",
        "add the options to it in HubSpot, or write the disposition to a text property",
    )
