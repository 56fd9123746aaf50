"""Events made by hand, at seconds after a fixed moment."""

from datetime import UTC, datetime, timedelta

from callagent_cli.domain.event import LEVEL_OF, Event, EventName, FieldValue, Level

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fact(name: EventName, at_s: float = 0.0, **fields: FieldValue) -> Event:
    about = {"run_id": "run_1", "campaign": "spring", **fields}
    return Event(name, at(at_s), LEVEL_OF.get(name, Level.INFO), about)
