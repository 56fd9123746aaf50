"""What the sandbox's account has at the vendor: one agent, one phone number, credits."""

AGENT_ID = "agent_sandbox"
PHONE_NUMBER_ID = "phnum_sandbox"
API_KEY = "sandbox"
AGENT_NUMBER = "+12025550100"
AGENT_NAME = "Sandbox agent"
GREETING = "Hello, this is a sandbox call."


def agent(agent_id: str) -> dict[str, object]:
    """As GET agent."""
    return {
        "agent_id": agent_id,
        "name": AGENT_NAME,
        "conversation_config": {
            "agent": {
                "first_message": GREETING,
                "language": "en",
                "prompt": {
                    "prompt": "You are friendly.",
                    "built_in_tools": {"voicemail_detection": {"name": "voicemail_detection"}},
                },
                "dynamic_variables": {"dynamic_variable_placeholders": {}},
            },
            "conversation": {"max_duration_seconds": 600},
        },
        "platform_settings": {
            "archived": False,
            "call_limits": {
                "agent_concurrency_limit": -1,
                "daily_limit": 100000,
                "bursting_enabled": False,
            },
        },
        "phone_numbers": [],
        "metadata": {"created_at_unix_secs": 1700000000},
    }


def phone_number(phone_number_id: str, agent_id: str) -> dict[str, object]:
    """As one item of GET phone-numbers."""
    return {
        "phone_number": AGENT_NUMBER,
        "label": "Sandbox",
        "phone_number_id": phone_number_id,
        "provider": "twilio",
        "supports_inbound": True,
        "supports_outbound": True,
        "assigned_agent": {"agent_id": agent_id, "agent_name": AGENT_NAME},
    }


def subscription() -> dict[str, object]:
    """As GET user/subscription: credits in plenty."""
    return {
        "tier": "creator",
        "character_count": 1000,
        "character_limit": 1000000,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "status": "active",
        "next_character_count_reset_unix": 1900000000,
    }
