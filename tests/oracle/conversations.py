"""Conversations as the API shows them (shapes: tests/contracts/elevenlabs.openapi.json)."""

from typing import Any

RESULTS = ("answered", "no_answer", "voicemail", "answered", "busy", "failed")
_STARTED_UNIX = 1_763_788_800


def result_of(phone: str) -> str:
    """How a call to this number ends: fixed by its last two digits."""
    return RESULTS[int(phone[-2:]) % len(RESULTS)]


def reads_until_end(phone: str) -> int:
    """How many reads show the call unfinished."""
    return int(phone[-1]) % 3


def summary(conversation_id: str, agent_id: str, *, is_ended: bool) -> dict[str, Any]:
    """One row of the list."""
    return {
        "agent_id": agent_id,
        "agent_name": "Oracle",
        "conversation_id": conversation_id,
        "start_time_unix_secs": _STARTED_UNIX,
        "call_duration_secs": 42 if is_ended else 0,
        "message_count": 2 if is_ended else 0,
        "status": "done" if is_ended else "initiated",
        "call_successful": "success" if is_ended else "unknown",
        "transcript_summary": None,
        "call_summary_title": None,
        "direction": "outbound",
    }


def detail(
    conversation_id: str, request: dict[str, Any], *, started_unix: int, is_ended: bool
) -> dict[str, Any]:
    """The whole conversation, while it rings and once it has ended."""
    phone = str(request["to_number"])
    result = result_of(phone)
    was_answered = is_ended and result in ("answered", "voicemail")
    is_failure = is_ended and result in ("no_answer", "busy", "failed")
    data = request.get("conversation_initiation_client_data") or {}
    return {
        "agent_id": request["agent_id"],
        "agent_name": "Oracle",
        "conversation_id": conversation_id,
        "status": _status(is_ended=is_ended, is_failure=is_failure),
        "user_id": data.get("user_id"),
        "transcript": _transcript(result) if was_answered else [],
        "metadata": _metadata(request, result, started_unix, was_answered, is_ended),
        "analysis": _analysis() if was_answered else None,
        "conversation_initiation_client_data": data,
        "has_audio": was_answered,
        "has_user_audio": was_answered,
        "has_response_audio": was_answered,
    }


def _status(*, is_ended: bool, is_failure: bool) -> str:
    if not is_ended:
        return "initiated"
    return "failed" if is_failure else "done"


def _transcript(result: str) -> list[dict[str, Any]]:
    turns = [{"role": "agent", "message": "Hello.", "time_in_call_secs": 0}]
    if result == "answered":
        turns.append({"role": "user", "message": "Yes, Tuesday works.", "time_in_call_secs": 6})
    return turns


def _metadata(
    request: dict[str, Any], result: str, started_unix: int, was_answered: bool, is_ended: bool
) -> dict[str, Any]:
    return {
        "start_time_unix_secs": started_unix,
        "accepted_time_unix_secs": started_unix + 1 if was_answered else None,
        "call_duration_secs": 42 if was_answered else 0,
        "cost": 296 if was_answered else 0,
        "cost_fiat": 0.061 if was_answered else 0.0,
        "phone_call": {
            "type": "twilio",
            "direction": "outbound",
            "phone_number_id": request["agent_phone_number_id"],
            "agent_number": "+12025550100",
            "external_number": request["to_number"],
            "call_result": result if is_ended else None,
            "call_sid": "CA" + "0" * 32,
        },
        "batch_call": None,
        "termination_reason": "end_call tool was called." if was_answered else "",
        "error": None,
        "warnings": [],
        "features_usage": {
            "voicemail_detection": {
                "enabled": True,
                "used": was_answered and result == "voicemail",
            }
        },
    }


def _analysis() -> dict[str, Any]:
    return {
        "evaluation_criteria_results": {},
        "data_collection_results": {},
        "call_successful": "success",
        "transcript_summary": "The callee confirmed the appointment.",
        "call_summary_title": "Appointment confirmed",
    }


def agent(agent_id: str, number_id: str) -> dict[str, Any]:
    """The agent: it needs no variables and is limited by nothing."""
    return {
        "agent_id": agent_id,
        "name": "Oracle",
        "conversation_config": {
            "agent": {
                "first_message": "Hello.",
                "language": "en",
                "dynamic_variables": {"dynamic_variable_placeholders": {}},
                "prompt": {"prompt": "Remind people.", "built_in_tools": {}},
            },
            "conversation": {"max_duration_seconds": 300},
        },
        "metadata": {"created_at_unix_secs": 1_755_000_000},
        "platform_settings": {
            "overrides": {"conversation_config_override": {}},
            "call_limits": {
                "agent_concurrency_limit": -1,
                "daily_limit": 100_000,
                "bursting_enabled": False,
            },
            "archived": False,
        },
        "phone_numbers": [number(agent_id, number_id)],
    }


def number(agent_id: str, number_id: str) -> dict[str, Any]:
    return {
        "provider": "twilio",
        "phone_number": "+12025550100",
        "label": "main",
        "supports_inbound": True,
        "supports_outbound": True,
        "phone_number_id": number_id,
        "assigned_agent": {"agent_id": agent_id, "agent_name": "Oracle"},
    }
