"""The simulated phone calls: how each one goes, and how the vendor reports it at a moment.

How a call goes follows from (seed, number, how often it was called), and its id carries what is
needed to tell it again, so a world that was started anew can still report it.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from callagent_cli.simulator.account import AGENT_NAME, AGENT_NUMBER, GREETING
from callagent_cli.simulator.dial_request import DialRequest

_MIX = (  # share of calls
    ("answered", 0.62),
    ("no_answer", 0.15),
    ("busy", 0.08),
    ("voicemail", 0.12),
    ("failed", 0.03),
)
_ID = re.compile(r"conv_sim[0-9a-f]{21}")  # 13: when it began, in ms; 8: how it goes
_USD_PER_MINUTE = 0.10
_CREDITS_PER_MINUTE = 500
_SUMMARIES = (
    "The person confirmed the appointment.",
    "The person asked for another day and was told that somebody will call back.",
    "The person listened, thanked the agent and ended the call.",
    "The person had a question about opening hours, which the agent answered.",
)


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """began_s: unix time of the dial; the spans are seconds."""

    conversation_id: str
    began_s: float
    ring_s: float
    talk_s: float
    processing_s: float
    ending: str
    summary: str
    to_number: str = ""
    user_id: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    trunk: str = "twilio"
    collected: Mapping[str, object] = field(default_factory=dict)  # the analysis's data

    @property
    def carrier_id(self) -> str:
        return f"CA{self.conversation_id[-21:]:0>32}"

    @property
    def picks_up(self) -> bool:
        return self.ending in ("answered", "voicemail")


def place(
    seed: int, began_s: float, call_no: int, wanted: DialRequest, trunk: str = "twilio"
) -> SimulatedCall:
    """began_s: unix time. call_no: how often the number was called before. trunk: `twilio` or
    `sip-trunk`."""
    chance = random.Random(f"{seed}:{wanted.to_number}:{call_no}")  # noqa: S311 - a simulation
    call = _call(f"conv_sim{int(began_s * 1000):013x}{chance.getrandbits(32):08x}")
    return replace(
        call,
        to_number=wanted.to_number,
        user_id=wanted.user_id,
        variables=wanted.variables,
        trunk=trunk,
    )


def recall(conversation_id: str) -> SimulatedCall | None:
    """A call of an earlier world, from its id alone; None when the id is no simulated one."""
    return _call(conversation_id) if _ID.fullmatch(conversation_id) else None


def _call(conversation_id: str) -> SimulatedCall:
    code = conversation_id.removeprefix("conv_sim")
    dice = random.Random(int(code[13:], 16))  # noqa: S311 - a simulation
    ending = dice.choices([name for name, _ in _MIX], [share for _, share in _MIX])[0]
    return SimulatedCall(
        conversation_id,
        began_s=int(code[:13], 16) / 1000,
        ring_s=float(dice.randint(4, 18)),
        talk_s=float(dice.randint(8, 20) if ending == "voicemail" else dice.randint(15, 55)),
        processing_s=float(dice.randint(2, 5)),
        ending=ending,
        summary=dice.choice(_SUMMARIES),
    )


def status(call: SimulatedCall, now_s: float) -> str:
    age_s = now_s - call.began_s
    if call.ending == "no_answer" or age_s < call.ring_s:
        return "initiated"  # as the vendor: a call that nobody answers stays so for ever
    if not call.picks_up:
        return "failed" if call.ending == "failed" else "done"
    if age_s < call.ring_s + call.talk_s:
        return "in-progress"
    return "processing" if age_s < call.ring_s + call.talk_s + call.processing_s else "done"


def summary_of(call: SimulatedCall, agent_id: str, now_s: float) -> dict[str, object]:
    """The call as it stands in the vendor's list."""
    return {
        "agent_id": agent_id,
        "agent_name": AGENT_NAME,
        "conversation_id": call.conversation_id,
        "start_time_unix_secs": int(call.began_s),
        "call_duration_secs": int(_talked_s(call, now_s)),
        "message_count": 2 if call.picks_up else 0,
        "status": status(call, now_s),
        "call_successful": "success" if call.ending == "answered" else "unknown",
        "direction": "outbound",
    }


def report(
    call: SimulatedCall, agent_id: str, phone_number_id: str, now_s: float
) -> dict[str, object]:
    """The call as the vendor's GET conversation tells it now."""
    state = status(call, now_s)
    is_over = state in ("done", "failed")
    talked_s = _talked_s(call, now_s)
    has_talked = call.picks_up and state != "initiated"
    return {
        "agent_id": agent_id,
        "conversation_id": call.conversation_id,
        "status": state,
        "user_id": call.user_id or None,
        "transcript": _transcript(call) if has_talked else [],
        "metadata": {
            "start_time_unix_secs": int(call.began_s),
            "accepted_time_unix_secs": int(call.began_s + call.ring_s) if has_talked else None,
            "call_duration_secs": int(talked_s),
            "cost": round(talked_s / 60 * _CREDITS_PER_MINUTE) if is_over else None,
            "cost_fiat": round(talked_s / 60 * _USD_PER_MINUTE, 4) if is_over else None,
            "phone_call": _phone_call(call, phone_number_id, is_over=is_over),
            "termination_reason": _reason(call) if is_over else "",
            "error": {"code": 1011, "reason": "the carrier ended the call"}
            if state == "failed"
            else None,
            "features_usage": {
                "voicemail_detection": {"enabled": True, "used": call.ending == "voicemail"}
            },
        },
        "analysis": _analysis(call) if state == "done" and call.picks_up else None,
        "conversation_initiation_client_data": {
            "user_id": call.user_id or None,
            "dynamic_variables": dict(call.variables),
        },
        "has_audio": has_talked,
        "has_user_audio": has_talked and call.ending == "answered",
        "has_response_audio": has_talked,
    }


def _phone_call(call: SimulatedCall, phone_number_id: str, *, is_over: bool) -> dict[str, object]:
    return {
        "type": "twilio" if call.trunk == "twilio" else "sip_trunking",
        "direction": "outbound",
        "phone_number_id": phone_number_id,
        "agent_number": AGENT_NUMBER,
        "external_number": call.to_number,
        "call_sid": call.carrier_id,
        "stream_sid": "",
        "call_result": call.ending if is_over else None,
    }


def _talked_s(call: SimulatedCall, now_s: float) -> float:
    if not call.picks_up:
        return 0.0
    return min(max(now_s - call.began_s - call.ring_s, 0.0), call.talk_s)


def _reason(call: SimulatedCall) -> str:
    if call.ending == "voicemail":
        return "voicemail_detection tool was called."
    return "end_call tool was called." if call.ending == "answered" else ""


def _transcript(call: SimulatedCall) -> list[dict[str, object]]:
    opening = {
        "role": "agent",
        "message": GREETING,
        "time_in_call_secs": 0,
    }
    if call.ending == "voicemail":
        return [opening]
    return [opening, {"role": "user", "message": "Yes, I hear you.", "time_in_call_secs": 4}]


def _analysis(call: SimulatedCall) -> dict[str, object]:
    return {
        "call_successful": "success" if call.ending == "answered" else "unknown",
        "transcript_summary": call.summary
        if call.ending == "answered"
        else "A voicemail answered.",
        "evaluation_criteria_results": {},
        "data_collection_results": {
            name: {"data_collection_id": name, "value": value, "rationale": "The person said so."}
            for name, value in call.collected.items()
        },
    }
