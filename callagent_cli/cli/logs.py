"""`callagent logs`: the log, filtered, and followed while runs write it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from callagent_cli import wiring
from callagent_cli.cli.dnc import number_of
from callagent_cli.cli.exit_status import ExitStatus
from callagent_cli.cli.interrupts import Interrupts
from callagent_cli.cli.log_filter import Filter, Person, Record
from callagent_cli.cli.log_times import moment
from callagent_cli.cli.nearest import known
from callagent_cli.cli.options import Common
from callagent_cli.cli.render_log import plain_line, styled_line
from callagent_cli.cli.standing import NOTHING_YET
from callagent_cli.cli.suggestions import CHANNELS, LOGGED_SERVICES
from callagent_cli.cli.terminal import Terminal
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName, Level
from callagent_cli.events.log_lines import Follower, LogFiles
from callagent_cli.intake.phone import BadPhone, read_phone

_TAIL = 50
_ALL = "all"
_LOOK_EVERY_S = 0.3
_GROUPS = tuple(dict.fromkeys(name.partition(".")[0] for name in EventName))


@dataclass(frozen=True, slots=True)
class LogOptions:
    """As typed."""

    common: Common
    campaign: str | None = None
    contact: str | None = None
    services: Sequence[str] = ()
    events: Sequence[str] = ()
    level: str | None = None
    run_id: str | None = None
    since: str | None = None
    until: str | None = None
    tail: str | None = None
    is_following: bool = False
    is_json: bool = False


def logs(options: LogOptions) -> int:
    terminal = Terminal.of(options.common)
    settings = wiring.settings_of(options.common.config)
    wanted = filter_of(options, settings, terminal)
    most = _most(options)
    path = settings.logging.path
    try:
        with LogFiles(path) as files:
            if not files.files and not options.is_following:
                terminal.say(f"there is no log yet at {path}; {NOTHING_YET}")
            for line, record in _chosen(files, wanted, most):
                _show(line, record, terminal, options)
            status: int = ExitStatus.DONE
            if options.is_following:
                status = _follow(path, files, wanted, terminal, options)
    except OSError as error:
        raise InputError(
            f"the log {path} cannot be read: {error.strerror}",
            hint="mend its rights, or `logging.path` in config.yml",
        ) from None
    _note(wanted, terminal)
    return status


def filter_of(options: LogOptions, settings: Settings, terminal: Terminal) -> Filter:
    """Raises InputError for what nothing could match."""
    now = wiring.clock_of(settings).now()
    return Filter(
        campaign=_campaign(options.campaign, settings),
        run_id=options.run_id,
        events=frozenset(name for text in options.events for name in _events(text)),
        services=frozenset(_service(text) for text in options.services),
        level=_level(options.level),
        since=moment(options.since, "--since", now),
        until=moment(options.until, "--until", now),
        person=_person(options.contact, settings, terminal) if options.contact else None,
    )


def _campaign(name: str | None, settings: Settings) -> str | None:
    """Of either ledger: rehearsals write into the same log."""
    if name is None:
        return None
    return known(name, wiring.logged_campaigns(settings), "campaign", none=NOTHING_YET)


def _events(text: str) -> Iterable[str]:
    """One event, or all of a kind: `breaker`."""
    if text in _GROUPS:
        return [name.value for name in EventName if name.startswith(f"{text}.")]
    return [known(text, [*EventName, *_GROUPS], "event", none="")]


def _service(text: str) -> str:
    return known(text, (*LOGGED_SERVICES, *CHANNELS), "service", none="")


def _level(text: str | None) -> Level:
    return Level(known(text, list(Level), "level", none="")) if text else Level.DEBUG


def _person(text: str, settings: Settings, terminal: Terminal) -> Person:
    """An id, or a number in any spelling."""
    number = read_phone(text, settings.campaign.default_region)
    name = text if isinstance(number, BadPhone) else number
    with wiring.read_ledger_if_any(settings) or nullcontext() as ledger:
        links = (ledger.links_of(text) or ledger.links_of(name)) if ledger else []
    if not links:
        if text.startswith("+"):
            name = number_of(text, settings)
        terminal.say("no campaign knows this contact: only what the log itself says is searched")
    return Person.of(name, links)


def _most(options: LogOptions) -> int | None:
    """How many lines; None for all."""
    text = options.tail
    if text is None:
        has_bounds = options.since or options.until or options.run_id
        return None if has_bounds else _TAIL
    if text == _ALL:
        return None
    if not text.isdecimal():
        raise InputError(f"--tail {text!r} is no number of lines", hint="a number, or all")
    return int(text)


def _chosen(files: LogFiles, wanted: Filter, most: int | None) -> Iterator[tuple[bytes, Record]]:
    """In the order they were written. The last ones are looked for from the end."""
    if most is None:
        yield from _matching(files.forwards(), wanted)
        return
    last = deque(islice(_matching(files.backwards(), wanted), most))
    while last:
        yield last.pop()


def _matching(lines: Iterable[bytes], wanted: Filter) -> Iterator[tuple[bytes, Record]]:
    for line in lines:
        if (record := wanted.wanted(line)) is not None:
            yield line, record


def _follow(
    path: Path, files: LogFiles, wanted: Filter, terminal: Terminal, options: LogOptions
) -> int:
    """Until a signal comes: that one's exit status."""
    over = SystemClock().signal()
    follower = Follower(path, files)
    with Interrupts(over.set) as interrupts:
        while not over.wait(_LOOK_EVERY_S):
            for line, record in _matching(follower.new_lines(), wanted):
                _show(line, record, terminal, options)
    follower.close()
    return interrupts.exit_status or ExitStatus.DONE


def _show(line: bytes, record: Record, terminal: Terminal, options: LogOptions) -> None:
    if options.is_json:
        terminal.line(line.decode("utf-8", errors="backslashreplace"))
    elif terminal.out.is_terminal:
        terminal.show(styled_line(record), soft_wrap=True)
    else:
        terminal.line(plain_line(record))


def _note(wanted: Filter, terminal: Terminal) -> None:
    if n := wanted.broken:
        lines = "1 line is" if n == 1 else f"{n} lines are"
        terminal.say(f"{lines} broken, as a kill leaves them: passed over")
    if n := wanted.perhaps:
        lines = "1 line knows" if n == 1 else f"{n} lines know"
        terminal.say(
            f"{lines} this number only as it is masked, "
            f"{', '.join(sorted(wanted.person.masks if wanted.person else ()))}: "
            "it may be another one that begins and ends alike"
        )
