"""The body of an outbound-call request, as far as the vendor reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from callagent_cli.simulator.exchange import Invalid

_SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class DialRequest:
    agent_id: str
    phone_number_id: str
    to_number: str
    user_id: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, body: bytes) -> "DialRequest":
        """Raises Invalid for what the vendor refuses with 422."""
        given = json_object(body)
        if not given:
            raise Invalid("body", "agent_id")
        to_number = _text(given, "to_number")
        if not to_number.startswith("+"):
            raise Invalid("body", "to_number", "Value is not an international number")
        client_data = _mapping(given, "conversation_initiation_client_data")
        return cls(
            agent_id=_text(given, "agent_id"),
            phone_number_id=_text(given, "agent_phone_number_id"),
            to_number=to_number,
            user_id=str(client_data.get("user_id") or ""),
            variables=_variables(client_data),
        )


def json_object(body: bytes) -> Mapping[str, object]:
    """Empty for anything that is not a JSON object."""
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def attempt_id(body: bytes) -> str:
    """The caller's own id of the attempt, of any body; empty when it carries none."""
    client_data = json_object(body).get("conversation_initiation_client_data")
    user_id = client_data.get("user_id") if isinstance(client_data, dict) else None
    return str(user_id or "")


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid("body", name)
    return value


def _mapping(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid("body", name, "Input should be an object")
    return value


def _variables(client_data: Mapping[str, object]) -> Mapping[str, object]:
    variables = _mapping(client_data, "dynamic_variables")
    for name, value in variables.items():
        if not isinstance(value, _SCALARS):
            raise Invalid("body", "dynamic_variables", "Values are text, numbers or booleans")
        if name.startswith("system__"):
            raise Invalid("body", "dynamic_variables", "The prefix system__ is reserved")
    return variables
