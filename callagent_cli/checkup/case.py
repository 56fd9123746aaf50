"""What a checkup has to look at."""

from collections.abc import Callable
from dataclasses import dataclass, field

from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock
from callagent_cli.intake.contacts import ContactsFile


@dataclass(frozen=True, slots=True)
class Crowd:
    """The contacts of a file, summed up: what a run that begins now would do with them."""

    contacts: int
    to_call: int
    credits: float  # that the calls are likely to need
    left_out: int  # skipped, or held by something that is missing: no time changes that
    left_out_why: str  # most often
    rejected: int


@dataclass(slots=True)
class Case:
    """file, crowd: None without contacts to compare with. `crowd` waits until they are read."""

    settings: Settings
    clock: Clock  # the machine's
    file: ContactsFile | None = None
    crowd: Callable[[], Crowd | None] = field(default=lambda: None)
    contacts_typed: str = "CONTACTS"  # as the person named them, for commands to type
