"""A conversation as ElevenLabs reports it → where the call stands and how it ended.

Enums of the vendor are open sets: an unknown word means "unknown" and never fails. Sources: the
vendor's OpenAPI file and client library; `initiated` that lasts for ever and `done` without a
word spoken are what users of the API report.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from callagent_cli.domain.call import Conversation, Disposition
from callagent_cli.domain.text import one_line
from callagent_cli.services.elevenlabs_answers import as_mapping

_RING_MARGIN_S = 30.0  # after the ringing timeout, `initiated` means that nobody answered
_PHASES = {"initiated": "ringing", "in-progress": "talking", "processing": "wrapping up"}
_RESULTS = {
    "answered": Disposition.ANSWERED,
    "voicemail": Disposition.VOICEMAIL,
    "busy": Disposition.BUSY,
    "no_answer": Disposition.NO_ANSWER,
    "failed": Disposition.FAILED,
}
_CONFIG_ERRORS = ("missing required dynamic variable", "override")


def read_conversation(
    body: Mapping[str, object], *, now: datetime, ringing_timeout_s: float, max_call_s: float
) -> Conversation:
    """body: of GET conversation. now: aware."""
    metadata = as_mapping(body.get("metadata"))
    status = str(body.get("status"))
    started_s = _number(metadata.get("start_time_unix_secs"))
    age_s = now.timestamp() - started_s if started_s else 0.0
    has_rung_out = status == "initiated" and age_s > ringing_timeout_s + _RING_MARGIN_S
    is_ended = status in ("done", "failed") or has_rung_out
    reason = one_line(str(as_mapping(metadata.get("error")).get("reason") or ""))
    client_data = as_mapping(body.get("conversation_initiation_client_data"))
    variables = as_mapping(client_data.get("dynamic_variables"))
    analysis = as_mapping(body.get("analysis"))
    cost_usd = metadata.get("cost_fiat")
    credits_used = metadata.get("cost")
    return Conversation(
        conversation_id=str(body.get("conversation_id") or ""),
        is_ended=is_ended,
        phase=_PHASES.get(status, one_line(status, 40)),
        disposition=_disposition(body, metadata, status, max_call_s)
        if is_ended
        else Disposition.UNKNOWN,
        started_at=_at(started_s),
        answered_at=_at(_number(metadata.get("accepted_time_unix_secs"))),
        duration_s=_number(metadata.get("call_duration_secs")) or 0.0,
        cost_usd=float(cost_usd) if _is_number(cost_usd) else None,  # type: ignore[arg-type]
        cost_credits=int(credits_used) if _is_number(credits_used) else None,  # type: ignore[call-overload]
        summary=one_line(str(analysis.get("transcript_summary") or ""), 2000),
        collected=_collected(analysis),
        error=reason if status == "failed" else "",
        is_config_error=status == "failed"
        and any(words in reason.lower() for words in _CONFIG_ERRORS),
        attempt_id=str(variables.get("callagent_attempt_id") or body.get("user_id") or ""),
    )


def _disposition(
    body: Mapping[str, object], metadata: Mapping[str, object], status: str, max_call_s: float
) -> Disposition:
    """First match wins."""
    result = str(as_mapping(metadata.get("phone_call")).get("call_result") or "")
    if result in _RESULTS:
        return _RESULTS[result]
    features = as_mapping(as_mapping(metadata.get("features_usage")).get("voicemail_detection"))
    if (
        features.get("used") is True
        or "voicemail" in str(metadata.get("termination_reason")).lower()
    ):
        return Disposition.VOICEMAIL
    if status == "failed":
        return Disposition.FAILED
    if status == "initiated":
        return Disposition.NO_ANSWER
    if _person_spoke(body):
        return Disposition.ANSWERED
    turns = body.get("transcript")
    duration_s = _number(metadata.get("call_duration_secs")) or 0.0
    if not turns or duration_s >= max_call_s - 1:
        return Disposition.NO_ANSWER  # `done`, and nobody was there
    return Disposition.UNKNOWN


def _person_spoke(body: Mapping[str, object]) -> bool:
    turns = body.get("transcript")
    return isinstance(turns, list) and any(
        as_mapping(turn).get("role") == "user" and as_mapping(turn).get("message")
        for turn in turns
    )


def _collected(analysis: Mapping[str, object]) -> dict[str, str]:
    results = as_mapping(analysis.get("data_collection_results"))
    return {
        one_line(name, 80): one_line(str(as_mapping(result).get("value")), 500)
        for name, result in results.items()
        if as_mapping(result).get("value") is not None
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float | None:
    return float(value) if _is_number(value) else None  # type: ignore[arg-type]  # checked


def _at(unix_s: float | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(unix_s, UTC) if unix_s else None
    except (ValueError, OverflowError, OSError):
        return None
