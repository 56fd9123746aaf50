"""One call in a contact's history in HubSpot, and whether it is there already."""

from datetime import UTC, datetime, timedelta
from html import escape

from callagent_cli.domain.call import Disposition
from callagent_cli.domain.call_record import CallRecord
from callagent_cli.services.crm_hubspot_api import Body, HubSpotApi
from callagent_cli.services.crm_values import as_text
from callagent_cli.services.elevenlabs_answers import as_mapping

_CALL_TO_CONTACT = 194  # association type
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_FOUND = 100
# bounds that keep the escaped text within HubSpot's 65,536 characters
_MOST_SUMMARY, _MOST_ERROR, _MOST_COLLECTED, _MOST_VALUE = 4000, 500, 20, 250

# HubSpot's own, the same in every account; an account may have more
_DISPOSITIONS = {
    Disposition.ANSWERED: "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    Disposition.NO_ANSWER: "73a0d17f-1163-4015-bdd5-ec830791da20",
    Disposition.BUSY: "9d9162e7-6cf3-4944-bf63-4dff82258764",
    Disposition.VOICEMAIL: "b2cf5968-551e-4856-9783-52b3da59a7d0",
}
_STATUSES = {
    Disposition.ANSWERED: "COMPLETED",
    Disposition.VOICEMAIL: "COMPLETED",
    Disposition.NO_ANSWER: "NO_ANSWER",
    Disposition.BUSY: "BUSY",
    Disposition.FAILED: "FAILED",
}


def call_of(record: CallRecord, crm_id: str) -> Body:
    """The body of the POST that puts the call into the contact's history. A disposition that
    HubSpot has no word for is left out."""
    properties = {
        "hs_timestamp": as_text(record.started_at),
        "hs_call_title": f"AI call: {record.campaign}"[:200],
        "hs_call_body": _told(record),
        "hs_call_duration": str(max(0, round(record.duration_s * 1000))),
        "hs_call_direction": "OUTBOUND",
        "hs_call_to_number": record.phone,
        "hs_call_status": _STATUSES.get(_disposition(record), ""),
        "hs_call_disposition": _DISPOSITIONS.get(_disposition(record), ""),
    }
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _CALL_TO_CONTACT}
    return {
        "properties": {name: value for name, value in properties.items() if value},
        "associations": [{"to": {"id": crm_id}, "types": [kind]}],
    }


def is_logged(api: HubSpotApi, record: CallRecord) -> bool:
    """Whether some call in HubSpot carries the attempt's id. One request."""
    started_ms = (record.started_at - _EPOCH) // timedelta(milliseconds=1)
    wanted = [
        {"propertyName": "hs_call_body", "operator": "CONTAINS_TOKEN", "value": record.attempt_id},
        # in case words within its HTML cannot be found
        {"propertyName": "hs_timestamp", "operator": "EQ", "value": str(started_ms)},
    ]
    page = api.search(
        "calls",
        {
            "filterGroups": [{"filters": [one]} for one in wanted],
            "properties": ["hs_call_body"],
            "limit": _MOST_FOUND,
        },
    )
    results = page.get("results")
    calls = results if isinstance(results, list) else []
    return any(record.attempt_id in _body(as_mapping(call)) for call in calls)


def _body(call: Body) -> str:
    return as_text(as_mapping(call.get("properties")).get("hs_call_body"))


def _disposition(record: CallRecord) -> Disposition:
    try:
        return Disposition(record.disposition)
    except ValueError:
        return Disposition.UNKNOWN


def _told(record: CallRecord) -> str:
    """HTML, as HubSpot shows it. Ends with the attempt's id, by which the call is found."""
    collected = list(record.collected.items())[:_MOST_COLLECTED]
    lines = [
        record.summary[:_MOST_SUMMARY],
        record.error[:_MOST_ERROR],
        *(f"{name[:100]}: {value[:_MOST_VALUE]}" for name, value in collected),
        f"Outcome: {record.disposition}",
        f"Campaign: {record.campaign[:200]}, attempt {record.attempt_no}",
        record.conversation_id and f"Conversation: {record.conversation_id[:200]}",
        f"Reference: {record.attempt_id}",
    ]
    return "<br>".join(escape(line) for line in lines if line)
