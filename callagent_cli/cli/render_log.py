"""One line of the log, for people."""

from rich.text import Text

from callagent_cli.cli.log_filter import Record, time_of
from callagent_cli.cli.render import line_for
from callagent_cli.domain.contact import mask_phones
from callagent_cli.domain.event import Event, EventName, Level
from callagent_cli.domain.text import one_line

_STYLES = {"warning": "yellow", "error": "bold red", "debug": "dim"}
_WIDTH = max(len(name) for name in EventName)
_NAMES = ("contact_id", "phone")
_NOT_TOLD = {"timestamp", "level", "event", "run_id", "campaign", "attempt_id", *_NAMES}
_MOST_CHARS = 400


def plain_line(record: Record) -> str:
    """Times are in this machine's zone."""
    return f"{_when(record)}  {_event(record)}  {_about(record)}"


def styled_line(record: Record) -> Text:
    style = _STYLES.get(str(record.get("level")), "")
    line = Text(f"{_when(record)}  ", style="dim").append(_event(record), style=style or "not dim")
    return line.append(f"  {_about(record)}", style="not dim")


def _when(record: Record) -> str:
    at = time_of(record)
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at else "?".ljust(19)


def _event(record: Record) -> str:
    return one_line(str(record.get("event")), _WIDTH).ljust(_WIDTH)


def _about(record: Record) -> str:
    campaign = one_line(str(record.get("campaign") or ""), 64)
    said = mask_phones(one_line(_said(record), _MOST_CHARS))
    return f"{campaign}: {said}" if campaign else said


def _said(record: Record) -> str:
    """As `run --verbose` says it, or what the line has."""
    known = {
        name: value
        for name, value in record.items()
        if isinstance(value, str | int | float | bool)
    }
    try:
        name, level = EventName(str(record.get("event"))), Level(str(record.get("level")))
        at = time_of(record)
        told = line_for(Event(name, at, level, known)) if at else None
    except (ValueError, TypeError):  # of another version of callagent
        told = None
    return told or _listed(record)


def _listed(record: Record) -> str:
    who = " ".join(dict.fromkeys(str(record[name]) for name in _NAMES if record.get(name)))
    rest = [f"{name} {value}" for name, value in record.items() if name not in _NOT_TOLD]
    return ": ".join(filter(None, (who, ", ".join(rest))))
