"""The ledger and the log that the settings name."""

import difflib
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from callagent_cli.config.database import as_database
from callagent_cli.config.settings import Settings
from callagent_cli.domain.clock import Clock, SystemClock
from callagent_cli.domain.errors import InputError
from callagent_cli.domain.event import EventName, FieldValue, Level
from callagent_cli.domain.traces import Traces
from callagent_cli.eligibility.do_not_call import ListProblem, list_problems
from callagent_cli.events.emitter import Emitter
from callagent_cli.events.erasure import erase_from_log, erase_from_mirror
from callagent_cli.events.jsonl import JsonlLog
from callagent_cli.ledger.store import Ledger, recover_files
from callagent_cli.wiring.policies import list_rules_of
from callagent_cli.wiring.settings_in_force import mirror_path

if TYPE_CHECKING:
    from callagent_cli.ledger.copying import CopiedTable


def ledger_name(settings: Settings) -> str:
    return settings.place.ledger_name


def open_ledger(settings: Settings, clock: Clock) -> Ledger:
    return Ledger.open(
        settings.state_dir, name=ledger_name(settings), clock=clock, url=settings.place.url
    )


def read_ledger(settings: Settings) -> Ledger:
    return Ledger.open_readonly(
        settings.state_dir,
        name=ledger_name(settings),
        clock=SystemClock(),
        url=settings.place.url,
    )


def read_ledger_if_any(settings: Settings) -> Ledger | None:
    """For the caller to close; None when nothing has run here."""
    if not Ledger.exists(settings.state_dir, name=ledger_name(settings), url=settings.place.url):
        return None
    return read_ledger(settings)


def logged_campaigns(settings: Settings) -> list[str]:
    """Of both ledgers, for they write into one log."""
    found: dict[str, None] = {}
    for name in (ledger_name(settings), "ledger", "sandbox"):
        if Ledger.exists(settings.state_dir, name=name, url=settings.place.url):
            with Ledger.open_readonly(
                settings.state_dir, name=name, clock=SystemClock(), url=settings.place.url
            ) as ledger:
                found |= dict.fromkeys(ledger.campaign_names())
    return list(found)


def list_ledgers(settings: Settings) -> list[Ledger]:
    """Where the do-not-call list is changed, for the caller to close: the real ledger always, so
    that a rehearsal's list is not missing when it counts."""
    names = dict.fromkeys(("ledger", ledger_name(settings)))
    url = settings.place.url
    return [
        Ledger.open(settings.state_dir, name=name, clock=SystemClock(), url=url) for name in names
    ]


@contextmanager
def held_list_ledgers(settings: Settings) -> Iterator[list[Ledger]]:
    """As `list_ledgers`, while no run is on."""
    with ExitStack() as stack:
        ledgers = [stack.enter_context(one) for one in list_ledgers(settings)]
        leases = [
            stack.enter_context(ledger.hold("", f"hand_{secrets.token_hex(6)}"))
            for ledger in ledgers
        ]
        yield ledgers
        for lease in leases:
            lease.finish(0)


def erase_traces(settings: Settings, traces: Traces) -> None:
    """Take a person's names out of the log and out of the CSV file that mirrors it."""
    try:
        erase_from_log(settings.logging.path, traces)
        erase_from_mirror(mirror_path(settings), traces)
    except OSError as error:
        raise InputError(
            f"the log cannot be rewritten: {error.strerror}; nobody was forgotten yet",
            hint=f"mend the rights of {settings.logging.path.parent}, then give it again",
        ) from None


def old_copies(settings: Settings) -> list[Path]:
    """Ledgers that a migration or a recovery has put aside."""
    kinds = ("*.schema-*", "*.aside-*")
    return sorted(path for kind in kinds for path in settings.state_dir.glob(kind))


def list_problems_of(settings: Settings, ledger: Ledger | None) -> list[ListProblem]:
    """Do-not-call lists that are missing or too old, by the machine's own calendar."""
    lists = ledger.number_lists() if ledger else []
    return list_problems(lists, list_rules_of(settings), SystemClock().now().date())


@contextmanager
def held_ledger(settings: Settings, *, sole: str = "") -> Iterator[Ledger]:
    """The ledger for a change by hand, while no run is on. On a server others may be at work,
    unless `sole` says what bears nobody beside it."""
    run_id, what = f"hand_{secrets.token_hex(6)}", sole if settings.place.url else ""
    with open_ledger(settings, SystemClock()) as ledger, ledger.hold(what, run_id) as lease:
        yield ledger
        lease.finish(0)


def recover_ledger(settings: Settings) -> int:
    """Calls taken in from the dial journal."""
    if settings.place.url is not None:
        raise InputError(
            "the ledger is on a server: it is restored there",
            hint="restore its newest backup; the dial journals then tell what is missing",
        )
    return recover_files(settings.state_dir, name=ledger_name(settings), clock=SystemClock())


def move_ledger(settings: Settings, to: str) -> "list[CopiedTable]":
    """to: the URL of a server, or `file`."""
    from callagent_cli.ledger import move

    clock, run_id, url = SystemClock(), f"hand_{secrets.token_hex(6)}", settings.place.url
    name = ledger_name(settings)
    if to == "file":
        if url is None:
            raise InputError(
                "the ledger is in its file already", hint="`--to URL` moves it to a server"
            )
        return move.to_file(settings.state_dir, url, name=name, clock=clock, run_id=run_id)
    if url is not None:
        raise InputError(
            "the ledger is on a server already",
            hint="`--to file` brings it back; `pg_dump` copies it from server to server",
        )
    return move.to_server(
        settings.state_dir, as_database(to), name=name, clock=clock, run_id=run_id
    )


def tell(settings: Settings, name: EventName, **fields: FieldValue) -> None:
    """One line in the log for what a person did, outside a run."""
    emitter = Emitter(SystemClock(), run_id="by_hand")
    emitter.listen(log_of(settings))
    emitter(name, **fields)


def known_campaign(ledger: Ledger, campaign: str) -> str:
    """The name, if the ledger knows it; InputError with the nearest one otherwise."""
    names = ledger.campaign_names()
    if campaign in names:
        return campaign
    near = difflib.get_close_matches(campaign, names, 1)
    known = f"known: {', '.join(names)}" if names else "none has run here yet"
    hint = f"did you mean {near[0]}?" if near else known
    raise InputError(f"no campaign {campaign!r}", hint=hint)


def log_of(settings: Settings) -> JsonlLog:
    log = settings.logging
    return JsonlLog(
        log.path,
        max_bytes=log.max_bytes,
        backups=log.backups,
        level=Level(log.level),
        redact=settings.hidden(),
    )
