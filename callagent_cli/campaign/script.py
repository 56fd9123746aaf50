"""What the agent is told about a contact, and what it says first.

Called by: campaign.preparation. Every column becomes a dynamic variable: data for the agent's
template, never an instruction. Nothing here decides whether or whom to call: a writer that is
down, late or talks nonsense is replaced by the operator's own text.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Template

from callagent_cli.domain.call import Draft, Script
from callagent_cli.domain.contact import Contact, KnownPerson, mask_phone, mask_phones
from callagent_cli.domain.errors import ServiceError, UselessAnswer
from callagent_cli.domain.event import Emit, EventName, FieldValue
from callagent_cli.domain.ports import Writer
from callagent_cli.domain.text import clean

_LONGEST_FALLBACK = 2000  # characters
_BRACES = str.maketrans("", "", "{}")  # the agent would read them as variables of its own
_PRIVATE_NAME = re.compile(
    r"(?:^|_)(?:phone|tel|telephone|mobile|cell|fax|e_?mail|consent)"
    r"(?:_(?:number|address|date|source))?$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\S@\S")
_TELLING_DIGITS = 7  # the end of a number, without country and area


@dataclass(frozen=True, slots=True)
class Wording:
    """What was written for one contact."""

    variables: Mapping[str, str] = field(default_factory=dict)
    is_degraded: bool = False  # the fallback stands in
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ScriptWriter:
    """The writer as it is asked before a call, and what is said without it.

    ask: makes the request behind the writer's guard, within its time. fallbacks: variable → text
    with `${fact}`. state: `retry_count` and `breaker_state` of the guard.
    """

    writer: Writer
    ask: Callable[[Callable[[], Draft]], Draft]
    fallbacks: Mapping[str, str]
    emit: Emit
    state: Callable[[], Mapping[str, FieldValue]]

    def words_for(self, contact: Contact, facts: Mapping[str, str]) -> Wording:
        """Raises Interrupted when the run is stopping, and no ServiceError."""
        try:
            draft = self.ask(lambda: self.writer.write(facts))
        except ServiceError as error:
            self._tell(contact, error)
            spent_usd = error.cost_usd if isinstance(error, UselessAnswer) else None
            texts = {name: _filled(text, facts) for name, text in self.fallbacks.items()}
            return Wording(texts, is_degraded=True, cost_usd=spent_usd)
        return Wording(draft.variables, cost_usd=draft.cost_usd)

    def _tell(self, contact: Contact, error: ServiceError) -> None:
        told: dict[str, FieldValue] = {
            **self.state(),
            "service": self.writer.service,
            "contact_id": contact.id,
            "phone": mask_phone(contact.phone),
            "error": error.message,
            "error_category": error.category.value,
            "http_status": error.http_status,
            "reason": "the fallback text is said instead",
        }
        self.emit(EventName.FALLBACK_USED, **told)


def write_script(
    contact: Contact,
    *,
    known: KnownPerson | None = None,
    writing: ScriptWriter | None = None,
    is_crm_missing: bool = False,
) -> Script:
    """Name what is known as the file does: its cells, then what the CRM knows, then what is
    written for this contact. Empty cells are sent as empty text: a variable without any value
    would fail the call after the phone was dialled.

    writing: None where nothing is written. is_crm_missing: the CRM could not be asked.
    """
    variables = _known_of(contact, known)
    wording = Wording()
    if writing is not None:
        wording = writing.words_for(contact, facts_of(contact, variables))
    return Script(
        variables={**variables, **wording.variables},
        is_degraded=wording.is_degraded or is_crm_missing,
        cost_usd=wording.cost_usd,
    )


def _known_of(contact: Contact, known: KnownPerson | None) -> dict[str, str]:
    """A cell with a value wins over the CRM's, an empty one does not."""
    from_crm = known.variables if known else {}
    own = {"name": contact.name, "email": contact.email, "language": contact.language}
    told = {name: value for name, value in own.items() if value}
    cells = {**told, **contact.variables}
    return {**cells, **from_crm, **{name: value for name, value in cells.items() if value}}


def facts_of(contact: Contact, variables: Mapping[str, str]) -> dict[str, str]:
    """What a writer may know of a contact: nothing by which it can be reached."""
    return {
        name: value
        for name, value in variables.items()
        if value and not _PRIVATE_NAME.search(name) and not _reaches(contact, value)
    }


def _reaches(contact: Contact, text: str) -> bool:
    """Whether a number or an e-mail address stands in a text."""
    digits = "".join(c for c in text if c.isdigit())
    has_number = contact.phone[-_TELLING_DIGITS:] in digits or mask_phones(text) != text
    return has_number or _ADDRESS.search(text) is not None


class _OrNothing(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def _filled(template: str, facts: Mapping[str, str]) -> str:
    """A placeholder without a fact leaves no gap."""
    text = Template(template).safe_substitute(_OrNothing(facts)).translate(_BRACES)
    words = " ".join(clean(text, _LONGEST_FALLBACK).split())
    return re.sub(r" +(?=[,.])", "", words)
