"""An alert as text and as data, the same for every channel."""

from collections.abc import Mapping
from datetime import datetime

from callagent_cli.domain.alert import Alert, AlertKind
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.text import one_line


def subject(alert: Alert) -> str:
    return one_line(mask_phones(f"callagent: {alert.title}"), 200)


def lines(alert: Alert) -> list[tuple[str, str]]:
    """(heading, sentence), empty ones left out."""
    told = (
        ("What happened", alert.happened),
        ("What it means", alert.meaning),
        ("What callagent does", alert.automatic),
        ("What to do", alert.todo),
        ("Command", alert.command),
    )
    return [(heading, one_line(mask_phones(text), 1000)) for heading, text in told if text]


def plain(alert: Alert) -> str:
    body = "\n".join(f"{heading}: {text}" for heading, text in lines(alert))
    return f"{subject(alert)}\n\n{body}\n"


def as_data(alert: Alert) -> dict[str, str]:
    return {
        "id": alert.key,
        "kind": alert.kind.value,
        "at": alert.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "service": alert.service,
        "title": mask_phones(alert.title),
        "happened": mask_phones(alert.happened),
        "meaning": mask_phones(alert.meaning),
        "automatic": mask_phones(alert.automatic),
        "todo": mask_phones(alert.todo),
        "command": alert.command,
    }


def of_data(data: Mapping[str, object]) -> Alert:
    """The opposite of `as_data`."""
    texts = {
        name: str(data[name])
        for name in ("service", "title", "happened", "meaning", "automatic", "todo", "command")
    }
    kind, at = AlertKind(str(data["kind"])), datetime.fromisoformat(str(data["at"]))
    return Alert(key=str(data["id"]), kind=kind, at=at, **texts)
