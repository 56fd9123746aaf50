"""The pages of `callagent help TOPIC`."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from callagent_cli.cli.reference import meanings
from callagent_cli.cli.reference.page import Page, Table
from callagent_cli.domain.errors import InputError

Name = TypeVar("Name", bound=StrEnum)


def exit_statuses() -> Page:
    rows = [(str(int(status)), means) for status, means in meanings.EXIT_STATUSES.items()]
    about = (
        "Scripts and cron may rely on the numbers. Where several hold, the first of 5, 6, 4, 3."
    )
    return Page("exit-statuses", "Exit statuses", about, [Table(("status", "meaning"), rows)])


def states() -> Page:
    about = "Where a contact, a call attempt, an ended call and a service's breaker may stand."
    tables = [
        _enum("Contact states", meanings.CONTACT_STATES),
        _enum("Attempt states", meanings.ATTEMPT_STATES),
        _enum("Dispositions", meanings.DISPOSITIONS),
        _enum("Breaker states", meanings.BREAKER_STATES),
    ]
    return Page("states", "States", about, tables)


def events() -> Page:
    about = (
        "Lines of the log, one JSON object each. Every line has timestamp, level, event and "
        "run_id; a line about a service has service, retry_count and breaker_state."
    )
    return Page("events", "Events", about, [_enum("", meanings.EVENTS)])


def config() -> Page:
    from callagent_cli.cli.reference.config_keys import config_tables

    about = (
        "Keys of config.yml with their defaults. Durations are seconds, or 90s, 45m, 2h, 1d. "
        "Secrets stand in the environment or in `.env`, never here."
    )
    return Page("config", "Settings", about, config_tables())


TOPICS: Mapping[str, Callable[[], Page]] = {
    "exit-statuses": exit_statuses,
    "states": states,
    "events": events,
    "config": config,
}


def page_of(topic: str) -> Page:
    """Raises InputError for a topic that there is not."""
    make = TOPICS.get(topic)
    if make is None:
        near = get_close_matches(topic, TOPICS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(TOPICS)}"
        raise InputError(f"no help topic {topic!r}", hint=hint)
    return make()


def _enum(title: str, meaning: Mapping[Name, str]) -> Table:
    return Table(("name", "meaning"), [(str(name), said) for name, said in meaning.items()], title)
