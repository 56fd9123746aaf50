"""The story of a simulation: what is told of the services around the call."""

from datetime import UTC, datetime, timedelta

from callagent_cli.domain.event import Event, EventName, FieldValue, Level
from callagent_cli.simulator.timeline import tell

BEGAN = datetime(2026, 1, 5, 18, tzinfo=UTC)


def told(*events: tuple[float, EventName, dict[str, FieldValue]]) -> list[tuple[float, str]]:
    all_events = [
        Event(name, BEGAN + timedelta(seconds=at_s), Level.INFO, fields)
        for at_s, name, fields in events
    ]
    return [(moment.at_s, moment.text) for moment in tell(all_events, BEGAN)]


def alert(at_s: float, channel: str, key: str) -> tuple[float, EventName, dict[str, FieldValue]]:
    about: dict[str, FieldValue] = {"channel": channel, "alert_key": key, "title": f"news {key}"}
    return at_s, EventName.ALERT_SENT, about


def test_alert_is_told_once_however_many_channels_bring_it() -> None:
    events = [alert(1, "email", "a"), alert(2, "telegram", "a"), alert(3, "email", "b")]
    assert told(*events) == [(1.0, "ALERT news a"), (3.0, "ALERT news b")]


def test_alert_that_comes_late_by_a_channel_is_told_again() -> None:
    events = [alert(1, "email", "a"), alert(200, "telegram", "a")]
    assert told(*events)[1] == (200.0, "ALERT reaches telegram now: news a")


def test_call_without_a_service_and_what_is_put_off_are_told() -> None:
    fallback: dict[str, FieldValue] = {"contact_id": "c1", "service": "crm", "error": "503"}
    put_off: dict[str, FieldValue] = {"messages": 3, "service": "sheets", "error": "429"}
    assert told(
        (1, EventName.FALLBACK_USED, fallback), (2, EventName.DELIVERY_FAILED, put_off)
    ) == [(1.0, "c1 called without crm: 503"), (2.0, "3 owed to sheets put off: 429")]
