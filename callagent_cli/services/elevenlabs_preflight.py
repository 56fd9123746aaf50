"""What in the agent and its number would spoil every call. Pure: answers in, findings out."""

import re
from collections.abc import Collection, Mapping

from callagent_cli.domain.health import Finding, advice, blocking
from callagent_cli.domain.text import one_line
from callagent_cli.services.elevenlabs_answers import as_mapping

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def check_agent(body: Mapping[str, object], columns: Collection[str] | None) -> list[Finding]:
    """columns: the variables that the contacts file gives each call; None: not known yet."""
    config = as_mapping(body.get("conversation_config"))
    agent = as_mapping(config.get("agent"))
    platform = as_mapping(body.get("platform_settings"))
    findings = []
    if platform.get("archived") is True:
        findings.append(blocking("the agent is archived", "restore it or use another one"))
    if missing := sorted(_wanted(agent) - set(columns or ()) - _defaults(agent)):
        findings.append(_lacking(missing, is_compared=columns is not None))
    if as_mapping(platform.get("call_limits")).get("bursting_enabled") is True:
        findings.append(
            advice(
                "the agent may burst above the plan's limit at double price",
                "switch bursting off, or keep campaign.concurrency within the plan",
            )
        )
    tools = as_mapping(as_mapping(agent.get("prompt")).get("built_in_tools"))
    if not tools.get("voicemail_detection"):
        findings.append(
            advice(
                "the agent does not detect voicemail",
                "add its voicemail_detection tool, or machines count as answered",
            )
        )
    return findings


def _lacking(missing: Collection[str], *, is_compared: bool) -> Finding:
    names = ", ".join(one_line(name, 60) for name in missing)
    if not is_compared:
        fix = "see that the contacts have these columns: `callagent doctor CONTACTS`"
        return advice(f"the agent needs variables: {names}", fix)
    return blocking(
        f"the agent uses variables that no column gives: {names}",
        "add the columns, map them in campaign.columns, or give the agent defaults",
    )


def _wanted(agent: Mapping[str, object]) -> set[str]:
    texts = (agent.get("first_message"), as_mapping(agent.get("prompt")).get("prompt"))
    names = {name for text in texts for name in _PLACEHOLDER.findall(str(text or ""))}
    return {n for n in names if not n.startswith("system__") and n != "callagent_attempt_id"}


def _defaults(agent: Mapping[str, object]) -> set[str]:
    variables = as_mapping(agent.get("dynamic_variables"))
    return set(as_mapping(variables.get("dynamic_variable_placeholders")))


def max_call_s(body: Mapping[str, object]) -> float | None:
    """How long the agent lets a conversation last, in seconds."""
    conversation = as_mapping(as_mapping(body.get("conversation_config")).get("conversation"))
    seconds = conversation.get("max_duration_seconds")
    return float(seconds) if isinstance(seconds, int | float) else None


def check_number(numbers: object, phone_number_id: str, telephony: str) -> list[Finding]:
    """numbers: of GET phone-numbers, a bare array."""
    listed = [as_mapping(number) for number in numbers] if isinstance(numbers, list) else []
    ours = next((n for n in listed if n.get("phone_number_id") == phone_number_id), None)
    if ours is None:
        ids = ", ".join(one_line(str(n.get("phone_number_id")), 60) for n in listed) or "none"
        return [
            blocking(
                f"the workspace has no phone number {one_line(phone_number_id, 60)}",
                f"set services.elevenlabs.agent_phone_number_id to one of: {ids}",
            )
        ]
    provider = str(ours.get("provider"))
    if provider in ("twilio", "sip_trunk") and provider != telephony:
        return [
            blocking(
                f"the phone number is of {provider}, the config says {telephony}",
                f"set services.elevenlabs.telephony: {provider}",
            )
        ]
    if provider == "sip_trunk" and ours.get("outbound_trunk", "unknown") is None:
        return [blocking("the SIP trunk has no outbound side", "configure its outbound trunk")]
    if ours.get("supports_outbound") is False:
        return [blocking("the phone number cannot call out", "use another number")]
    return []
