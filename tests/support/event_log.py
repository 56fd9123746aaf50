"""An Emit that remembers."""

from dataclasses import dataclass, field

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.event import EventName, FieldValue


@dataclass
class Told:
    at_s: float  # on the monotonic clock
    name: EventName
    fields: dict[str, FieldValue]


@dataclass
class EventLog:
    clock: Clock
    told: list[Told] = field(default_factory=list)

    def __call__(self, name: EventName, /, **fields: FieldValue) -> None:
        self.told.append(Told(self.clock.monotonic(), name, fields))

    @property
    def names(self) -> list[str]:
        return [told.name.value for told in self.told]

    def of(self, name: EventName) -> list[dict[str, FieldValue]]:
        return [told.fields for told in self.told if told.name is name]
