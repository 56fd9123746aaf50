"""What each fact makes owed: to the CRM its outcome, to the sheet its row.

Pure. The messages are committed in the transaction that records the fact.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from callagent_cli.domain.call import Outcome, Ticket
from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.event import LEVEL_OF, Event, EventName, FieldValue, Level
from callagent_cli.ledger.outbox import Message

CRM, SHEETS = "crm", "sheets"

COLUMNS = (  # of the sheet, after the row's key
    "timestamp", "level", "event", "run_id", "campaign", "contact_id", "attempt_id", "attempt_no",
    "phone", "service", "disposition", "error_category", "error", "http_status", "try_no",
    "retry_count", "next_retry_s", "breaker_state", "elapsed_ms", "cost_usd", "reason",
)  # fmt: skip

MIRRORED = frozenset(EventName) - {
    # many, and each of them told again by what they lead to
    EventName.CONTACT_REJECTED,
    EventName.CONTACT_HELD,
    EventName.SERVICE_ANSWERED,
    # what is told about deliveries would itself have to be delivered
    EventName.DELIVERY_SENT,
    EventName.DELIVERY_FAILED,
    EventName.DELIVERY_DEAD_LETTERED,
}

OWED_WITH_THEIR_FACT = frozenset(
    {
        EventName.CALL_PLACED,
        EventName.CALL_ENDED,
        EventName.CALL_REFUSED,
        EventName.CALL_IN_DOUBT,
        EventName.CONTACT_FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class Owing:
    """Of one run."""

    campaign: str
    run_id: str
    crm_parts: Sequence[str] = ()  # what an outcome owes the CRM; empty: there is none
    is_mirrored: bool = False  # there is a sheet

    def row(
        self, name: EventName, at: datetime, fields: Mapping[str, FieldValue]
    ) -> list[Message]:
        """A step of an attempt, as its row; none for what the mirror hears by itself."""
        if not self.is_mirrored or name not in OWED_WITH_THEIR_FACT:
            return []
        about = {"run_id": self.run_id, "campaign": self.campaign, **fields}
        level = LEVEL_OF.get(name, Level.INFO)
        key = f"{fields['attempt_id']}:{name}"
        return [_row(key, Event(name, at, level, about))]

    def outcome(self, ticket: Ticket, conversation_id: str, outcome: Outcome) -> Iterator[Message]:
        """The end of a call, as the CRM is told it."""
        record = _record(ticket, conversation_id, outcome).as_data() if self.crm_parts else {}
        for part in self.crm_parts:
            yield Message(CRM, f"{ticket.attempt_id}:{part}", {"part": part, "record": record})


def event_row(event: Event, number: int) -> Message:
    """Any other event of a run, as its row. number: of the event within its run."""
    return _row(f"{event.fields.get('run_id', '')}:{number}", event)


def _row(key: str, event: Event) -> Message:
    told: dict[str, FieldValue] = {
        **event.fields,
        "timestamp": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": event.level.value,
        "event": event.name.value,
    }
    return Message(SHEETS, key, {"row": {name: _cell(told.get(name)) for name in COLUMNS}})


def _cell(value: FieldValue) -> FieldValue:
    """A contact without an id of its own has its number for one."""
    if value is None:
        return ""
    return mask_phones(value) if isinstance(value, str) else value


def _record(ticket: Ticket, conversation_id: str, outcome: Outcome) -> CallRecord:
    claim, contact = ticket.claim, ticket.claim.contact
    return CallRecord(
        attempt_id=ticket.attempt_id,
        attempt_no=claim.attempt_no,
        campaign=claim.campaign,
        contact_id=contact.id,
        phone=contact.phone,
        name=contact.name,
        email=contact.email,
        crm_id=ticket.crm_id,
        conversation_id=conversation_id,
        disposition=outcome.disposition.value,
        started_at=ticket.started_at,
        ended_at=outcome.ended_at,
        duration_s=outcome.duration_s,
        cost_usd=outcome.cost_usd,
        summary=outcome.summary,
        error=outcome.error,
        collected=outcome.collected,
    )
