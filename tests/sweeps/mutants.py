"""Bugs planted on purpose. A proof that misses one of them proves nothing.

Each is planted in the forked run only, by replacing a name of the product; the product's own
files are never touched. A mutant that can no longer be planted is an error, not a pass.
"""

import functools
import importlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.sweeps.product import Arm, nothing

_LEDGER = "state/ledger.db"  # as seen from a campaign's folder
Replace = Callable[[Any], Any]  # the true function in, the mutant out


@dataclass(frozen=True, slots=True)
class Mutant:
    what: str  # the bug, as one would tell it
    plant: Arm
    schedules: tuple[str, ...] = ("ok",)
    is_concurrent: bool = False
    by: str = "kills"  # the part of the proof that is to catch it


def _swap(place: str, make: Replace) -> None:
    module, _, name = place.partition(":")
    owner: Any = importlib.import_module(f"callagent_cli.{module}")
    *parents, last = name.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, last, make(getattr(owner, last)))


def _nothing_done(_: Any) -> Any:
    return lambda *_args, **_kwargs: None


def _disable(place: str) -> None:
    _swap(place, _nothing_done)


def _intent_after_the_post() -> None:
    call = importlib.import_module("callagent_cli.domain.call")
    clock = importlib.import_module("callagent_cli.domain.clock").SystemClock()
    owed: dict[str, Callable[[], Any]] = {}

    def begin_later(begin: Any) -> Any:
        def begin_nothing(ledger: Any, claim: Any, *args: Any, **kwargs: Any) -> Any:
            owed[claim.attempt_id] = lambda: begin(ledger, claim, *args, **kwargs)
            return call.Ticket(claim, clock.now())

        return begin_nothing

    def place_first(place: Any) -> Any:
        def place_then_begin(dialer: Any, ticket: Any, script: Any) -> Any:
            try:
                return place(dialer, ticket, script)
            finally:
                owed.pop(ticket.attempt_id, lambda: None)()

        return place_then_begin

    _swap("ledger.store:Ledger.begin", begin_later)
    _swap("services.elevenlabs:ElevenLabs.place", place_first)


def _after_opening(*statements: str) -> None:
    """Undo a part of the schema as soon as the ledger is open."""
    ledger = importlib.import_module("callagent_cli.ledger.store").Ledger
    true_open = ledger.open

    def open_and_undo(*args: Any, **kwargs: Any) -> Any:
        opened = true_open(*args, **kwargs)
        with closing(sqlite3.connect(_LEDGER, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        return opened

    ledger.open = open_and_undo


def _no_transaction() -> None:
    """Each statement commits by itself."""
    connection = importlib.import_module("sqlalchemy").Connection
    execute = connection.exec_driver_sql

    def never_begin(self: Any, statement: str, *args: Any, **kwargs: Any) -> Any:
        is_begin = statement.startswith("BEGIN")
        return None if is_begin else execute(self, statement, *args, **kwargs)

    connection.exec_driver_sql = never_begin


def _errors_are_transient(*statuses: int | None) -> None:
    """An unclear answer to the dial is taken for a passing one, and the dial is repeated."""
    errors = importlib.import_module("callagent_cli.domain.errors")

    def forgiving(place: Any) -> Any:
        def place_and_forgive(dialer: Any, ticket: Any, script: Any) -> Any:
            try:
                return place(dialer, ticket, script)
            except errors.AmbiguousError as error:
                if error.http_status not in statuses:
                    raise
                raise errors.TransientError(error.service, error.message) from error

        return place_and_forgive

    _swap("services.elevenlabs:ElevenLabs.place", forgiving)
    _swap("campaign.attempt:_look_first", _nothing_done)


def _not_found_is_proof() -> None:
    call = importlib.import_module("callagent_cli.domain.call")
    contact = importlib.import_module("callagent_cli.domain.contact")
    records = importlib.import_module("callagent_cli.ledger.records")
    again = records.NextStep(contact.ContactState.FAILED, None, "not there", is_transient=True)

    def hasty(look_up: Any) -> Any:
        def look_and_give_up(line: Any, ticket: Any) -> Any:
            placed = look_up(line, ticket)
            if placed is None and isinstance(line.dialer.find(ticket), call.NotFound):
                line.ledger.record_refused(ticket, error="gone", category=None, step=again)
            return placed

        return look_and_give_up

    _swap("campaign.runner:look_up", hasty)


def _sql_before_each_run(*statements: str) -> None:
    """What a hasty recovery would do to the ledger, before the run looks at it."""

    def tampering(recover: Any) -> Any:
        def tamper(ledger: Any, *args: Any, **kwargs: Any) -> Any:
            _tamper(*statements)
            return recover(ledger, *args, **kwargs)

        return tamper

    _swap("ledger.store:Ledger.recover", tampering)


def _tamper(*statements: str) -> None:
    """Past the triggers, which are put back: it is the deed that must be caught."""
    connection = sqlite3.connect(_LEDGER, isolation_level=None)
    triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    guards = connection.execute(triggers).fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in (*statements, *(guard for _, guard in guards)):
        connection.execute(statement)
    connection.close()


_RELEASE = "UPDATE attempts SET state = 'released' WHERE state = '{}'"
_FREE = (
    "UPDATE contacts SET state = 'pending' WHERE state IN ('in_progress', 'needs_review') "
    "AND phone NOT IN "
    "(SELECT phone FROM attempts WHERE state IN ('claimed', 'dialing', 'placed', 'unknown'))"
)


def _followed_redirects() -> None:
    session = importlib.import_module("requests").Session
    request = session.request

    def follow(*args: Any, **kwargs: Any) -> Any:
        return request(*args, **{**kwargs, "allow_redirects": True})

    session.request = follow


def _errors_swallowed() -> None:
    """A transaction that failed is taken for one that did not."""

    @contextmanager
    def deaf(_: Any) -> Iterator[None]:
        with suppress(Exception):
            yield

    _swap("ledger.database:Database._in_words", lambda _: deaf)


MUTANTS: dict[str, Mutant] = {
    "intent-after-post": Mutant("the intent is written after the request", _intent_after_the_post),
    "no-journal": Mutant(
        "no dial journal", functools.partial(_disable, "ledger.journal:Journal.append")
    ),
    "no-index": Mutant(
        "no unique index on open attempts",
        functools.partial(_after_opening, "DROP INDEX IF EXISTS one_open_attempt_per_number"),
    ),
    "no-triggers": Mutant(
        "no triggers that keep states legal",
        functools.partial(
            _after_opening,
            "DROP TRIGGER IF EXISTS attempts_move_legally",
            "DROP TRIGGER IF EXISTS attempts_end_once",
        ),
    ),
    "no-transaction": Mutant("each statement commits by itself", _no_transaction),
    "commit-error-swallowed": Mutant(
        "a transaction that failed counts as done", _errors_swallowed, by="failing-io"
    ),
    "retry-timeout": Mutant(
        "a read time-out is retried",
        functools.partial(_errors_are_transient, None),
        ("timeout",),
    ),
    "retry-reset": Mutant(
        "a reset connection is retried", functools.partial(_errors_are_transient, None), ("reset",)
    ),
    "retry-500": Mutant(
        "a 500 is retried", functools.partial(_errors_are_transient, 500), ("500",)
    ),
    "absence-is-proof": Mutant(
        "a call that is not listed is taken not to exist", _not_found_is_proof, ("lost", "lag")
    ),
    "dialing-is-released": Mutant(
        "an attempt found in `dialing` at start is given back",
        functools.partial(_sql_before_each_run, _RELEASE.format("dialing"), _FREE),
    ),
    "doubt-expires": Mutant(
        "what is in doubt becomes callable again",
        functools.partial(_sql_before_each_run, _RELEASE.format("unknown"), _FREE),
        ("buried", "lost"),
    ),
    "no-look-up": Mutant(
        "a second request without asking for the first",
        functools.partial(_disable, "campaign.attempt:_look_first"),
        ("503", "503-rang"),
    ),
    "placed-forgotten": Mutant(
        "the provider's answer is not written down",
        functools.partial(_disable, "ledger.store:Ledger.record_placed"),
    ),
    "redirects-followed": Mutant("redirects are followed", _followed_redirects, ("307",)),
    "lock-ignored": Mutant(
        "the ledger's lock is not asked for",
        functools.partial(_disable, "ledger.lock:fcntl.flock"),
        by="crowd",
    ),
    "identity-unchecked": Mutant(
        "journal and ledger are not compared",
        functools.partial(_disable, "ledger.identity:check_content"),
        by="damage",
    ),
}


def plant_of(name: str) -> Arm:
    """What to do in a fork to plant a mutant; nothing for no name."""
    return MUTANTS[name].plant if name else nothing
