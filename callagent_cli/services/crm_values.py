"""Values on their way between a CRM and us. What a CRM says is data: cleaned, short, of no
consequence but that the agent may say it."""

import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import UTC, datetime

from callagent_cli.domain.call_record import CallRecord
from callagent_cli.domain.delivery import Delivery
from callagent_cli.domain.errors import ConfigError, ContactError
from callagent_cli.domain.text import clean

SERVICE = "crm"
MOST_CHARS = 500  # of a variable, and of an id

_COLLECTED = "collected."
_FIELDS = frozenset(field.name for field in fields(CallRecord)) - {"collected"}


def as_text(value: object) -> str:
    """A scalar as a CRM takes it; empty for None and for everything else."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case datetime():
            shown = value.astimezone(UTC).isoformat(timespec="milliseconds")
            return shown.replace("+00:00", "Z")
        case _:
            return ""


def as_variable(value: object) -> str:
    return clean(as_text(value), MOST_CHARS)


def as_variables(values: Mapping[str, object]) -> dict[str, str]:
    """Without those that hold nothing."""
    texts = {name: as_variable(value) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}


def at_path(data: object, path: str, *, is_sole: bool = False) -> object:
    """What stands at a dotted path as `results.0.name`; None when nothing does.

    is_sole: a list on the way with any other number of items than one leads nowhere.
    """
    for step in path.split("."):
        match data:
            case dict():
                data = data.get(step)
            case list() if step.isdecimal() and int(step) < len(data):
                data = data[int(step)] if len(data) == 1 or not is_sole else None
            case _:
                return None
    return data


def field_of(record: CallRecord, name: str) -> object:
    """A field of a call record, `collected.<name>` included; None when the call has none."""
    if name.startswith(_COLLECTED):
        return record.collected.get(name.removeprefix(_COLLECTED))
    return getattr(record, name)


def require_fields(names: Collection[str], where: str) -> None:
    """Raises ConfigError for a name that no call record has."""
    for name in names:
        if name not in _FIELDS and not name.startswith(_COLLECTED):
            known = ", ".join(sorted(_FIELDS))
            raise ConfigError(
                f"{where}: an outcome has no field '{clean(name, 60)}'",
                hint=f"use one of {known}, or collected.<name>",
            )


def read_delivery(delivery: Delivery) -> tuple[str, CallRecord]:
    """(part, record) of a payload. Raises ContactError when it is not one of ours."""
    record = delivery.payload.get("record")
    try:
        if isinstance(record, dict):
            return str(delivery.payload.get("part")), CallRecord.of_data(record)
    except (KeyError, TypeError, ValueError):
        pass
    raise ContactError(
        SERVICE,
        "the outcome owed cannot be read: another version wrote it",
        hint="drop it with `callagent deliveries drop`",
    )
