"""What the campaign expects of the outside. Implemented in `services`; no second home."""

from collections.abc import Collection, Mapping
from typing import Protocol, runtime_checkable

from callagent_cli.domain.call import Conversation, Draft, Lookup, Placed, Script, Ticket
from callagent_cli.domain.contact import Contact, KnownPerson
from callagent_cli.domain.health import Finding, Health


class Dialer(Protocol):
    """Places calls and reads what became of them. Every method but `find` and `preflight`
    makes exactly one HTTP request; all raise only domain.errors.ServiceError.
    """

    service: str

    def place(self, ticket: Ticket, script: Script) -> Placed:
        """Send the one POST of an attempt.

        Raises TransientError or ThrottledError when nothing was dialled for certain,
        ContactError or ServiceRefused when the provider said no, and AmbiguousError for
        everything that is not a clear answer.
        """
        ...

    def read(self, conversation_id: str) -> Conversation:
        """Read one conversation."""
        ...

    def find(self, ticket: Ticket) -> Lookup:
        """Ask the provider for conversations that carry the ticket's attempt id. Raises
        ServiceError when it does not answer; an answer that proves nothing is CannotTell."""
        ...

    def preflight(self, columns: Collection[str]) -> list[Finding]:
        """What would spoil every call: agent, number, variables against `columns`. Reads only."""
        ...


@runtime_checkable
class Prober(Protocol):
    """Asks one service once whether the next real request would work. Never raises."""

    service: str

    def probe(self) -> Health: ...


class Crm(Protocol):
    """Knows the contacts before the call. After it, it is a domain.delivery.Destination whose
    payload is a domain.call_record.CallRecord."""

    service: str

    def find(self, contact: Contact) -> KnownPerson | None:
        """Look a contact up by id, e-mail or phone; None when the CRM has nobody, or several
        who might be meant. Raises domain.errors.ServiceError."""
        ...


class Writer(Protocol):
    """Words what the agent says to one contact."""

    service: str

    def write(self, facts: Mapping[str, str]) -> Draft:
        """Make exactly one request about a contact with these facts, by name. Raises
        domain.errors.ServiceError; ContactError when the answer is of no use."""
        ...
