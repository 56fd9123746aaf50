"""The ledger: the durable record of campaigns, contacts, attempts, outcomes and messages owed.

Called by: everything that must survive a crash. Each method is one transaction (an import: one
a batch), thread-safe, and raises only LedgerError (InputError for a person's mistake).
"""

import os
import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from callagent_cli.domain.call import AttemptState
from callagent_cli.domain.clock import Clock, SystemClock
from callagent_cli.domain.contact import ContactState
from callagent_cli.domain.errors import InputError, LedgerBusy, LedgerError
from callagent_cli.ledger import identity, migrations, recovery
from callagent_cli.ledger.attempt_book import AttemptBook
from callagent_cli.ledger.contact_book import ContactBook
from callagent_cli.ledger.database import Database, unstamp
from callagent_cli.ledger.files import SCHEMA_VERSION, check_files, files_of, in_words
from callagent_cli.ledger.folder import ENOUGH_BYTES, prepare_folder
from callagent_cli.ledger.forgetting import Forgetting
from callagent_cli.ledger.hold_book import HoldBook
from callagent_cli.ledger.imports import Imports
from callagent_cli.ledger.incident_book import IncidentBook
from callagent_cli.ledger.journal import Journal
from callagent_cli.ledger.lease import Lease, RunLease, busy
from callagent_cli.ledger.links import Links
from callagent_cli.ledger.lock import is_held, take_lock
from callagent_cli.ledger.measure_book import MeasureBook
from callagent_cli.ledger.metric_readings import MetricReadings
from callagent_cli.ledger.open_attempts import OpenAttempts
from callagent_cli.ledger.outbox import Outbox
from callagent_cli.ledger.readings import Readings
from callagent_cli.ledger.records import Recovery
from callagent_cli.ledger.report_readings import ReportReadings
from callagent_cli.ledger.schema import IS_OPEN, attempts, call_counts, contacts, runs
from callagent_cli.ledger.shared_lease import SharedLease, holder_of

if TYPE_CHECKING:
    from callagent_cli.ledger.fleet import Fleet

_LOST = "the run ended while the request was on its way"


class Ledger(
    Imports,
    ContactBook,
    AttemptBook,
    OpenAttempts,
    Readings,
    ReportReadings,
    Links,
    MeasureBook,
    HoldBook,
    MetricReadings,
    Outbox,
    IncidentBook,
    Forgetting,
):
    """One SQLite file, its dial journal and its lock, `<name>.db`, `.journal` and `.lock`."""

    def __init__(self, database: Database, journal: Journal, lock: Path, clock: Clock) -> None:
        self._database, self._journal = database, journal
        self._lock_path, self._clock = lock, clock

    @classmethod
    def open(
        cls,
        state_dir: Path,
        *,
        name: str = "ledger",
        clock: Clock,
        enough_bytes: int = ENOUGH_BYTES,
        url: str | None = None,
        left_behind: bool = False,
    ) -> "Ledger":
        """Open for a run, creating it where neither ledger nor journal exists.

        enough_bytes: free disk space below which nothing is begun. url: of the server that has
        the ledger; the journals stay in the state_dir of each host. left_behind: also one that
        was moved, to move it again.
        Raises LedgerError for every ledger that cannot be trusted.
        """
        path, journal, lock = files_of(state_dir, name)
        prepare_folder(state_dir, enough_bytes=enough_bytes)
        if url is not None:
            opened = cls._open_on_server(url, path, journal, lock, clock)
            return opened if left_behind else opened._required_here()
        with in_words(state_dir):
            if check_files(path, journal):
                _create_alone(path, journal, lock)
            database = Database(path)
            try:
                _bring_up_to_date(database, lock, clock)
                identity.check_content(database, journal)
                ledger = cls(database, journal, lock, clock)
                ledger._agree_with_list_journal()
            except (LedgerError, OSError):
                database.close()
                raise
        return ledger if left_behind else ledger._required_here()

    def _required_here(self) -> "Ledger":
        try:
            identity.require_here(self._database)
        except LedgerError:
            self.close()
            raise
        return self

    @property
    def database(self) -> Database:
        """Only to move it."""
        return self._database

    @classmethod
    def _open_on_server(
        cls, url: str, path: Path, journal: Journal, lock: Path, clock: Clock
    ) -> "Ledger":
        from callagent_cli.ledger import server

        with in_words(path.parent):
            database = server.opened(url, path, journal)
            try:
                ledger = cls(database, journal, lock, clock)
                ledger._agree_with_list_journal()
            except (LedgerError, OSError):
                database.close()
                raise
        return ledger

    @classmethod
    def open_readonly(
        cls, state_dir: Path, *, name: str = "ledger", clock: Clock, url: str | None = None
    ) -> "Ledger":
        """Open to look, also while a run is on."""
        path, journal, lock = files_of(state_dir, name)
        if url is not None:
            from callagent_cli.ledger import server

            return cls(server.opened_to_look(url, path), journal, lock, clock)._required_here()
        with in_words(state_dir):
            if not path.exists() and not journal.exists():
                raise LedgerError(
                    f"no campaign has run here yet (no ledger in {state_dir})",
                    hint="start one with `callagent run CONTACTS`",
                )
            check_files(path, journal)
        database = Database(path, is_readonly=True)
        try:
            identity.check_readable(database)
        except LedgerError:
            database.close()
            raise
        return cls(database, journal, lock, clock)._required_here()

    def look(self) -> "Ledger":
        """The same ledger over a connection of its own, to read beside the work."""
        path, url = self._database.path, self._database.url
        return Ledger.open_readonly(path.parent, name=path.stem, clock=self._clock, url=url)

    @classmethod
    def exists(cls, state_dir: Path, *, name: str = "ledger", url: str | None = None) -> bool:
        """Whether anybody may have been called from here: also where only the ledger is lost."""
        path, journal, _ = files_of(state_dir, name)
        if url is not None:
            from callagent_cli.ledger import server

            return server.is_there(url, path)
        with in_words(state_dir):
            return path.exists() or (journal.exists() and not journal.knows_nobody())

    @classmethod
    def latest_time(
        cls, state_dir: Path, *, name: str = "ledger", url: str | None = None
    ) -> datetime | None:
        """The latest time that the ledger has recorded, None without one. Never raises: who
        opens the ledger next is told what is wrong with it."""
        path, _, _ = files_of(state_dir, name)
        with suppress(LedgerError, OSError, sqlite3.Error):
            if url is not None:
                clock = SystemClock()
                with cls.open_readonly(state_dir, name=name, clock=clock, url=url) as ledger:
                    return ledger.latest_event_at()
            if path.exists():
                database = Database(path, is_readonly=True)
                try:
                    return _latest(database)
                finally:
                    database.close()
        return None

    def hold(self, campaign: str, run_id: str) -> Lease:
        """Take the ledger for one run; raises LedgerBusy at once when another run holds it."""
        if self._database.url is not None:
            shared = SharedLease(self._database, self._clock)
            shared.take(campaign, run_id)
            return shared
        lease = RunLease(self._database, self._lock_path, self._clock)
        with in_words(self._lock_path.parent):
            lease.take(campaign, run_id)
        return lease

    def fleet(self) -> "Fleet":
        """What is shared with others at work; only for a ledger on a server."""
        from callagent_cli.ledger.fleet import Fleet

        return Fleet(self._database, self._clock)

    def recover(self) -> Recovery:
        """Settle what dead runs left, in every campaign. Only for the holder of the lease:
        nobody else is alive, so every claim and every dial without an answer is a dead run's."""
        released = self._settle(AttemptState.CLAIMED, AttemptState.RELEASED)
        in_doubt = self._settle(AttemptState.DIALING, AttemptState.UNKNOWN)
        return Recovery(released, in_doubt)

    def _settle(self, before: AttemptState, after: AttemptState) -> int:
        is_lost = after is AttemptState.UNKNOWN
        state = ContactState.NEEDS_REVIEW if is_lost else ContactState.PENDING
        values = {"error": _LOST, "error_category": "ambiguous"} if is_lost else {}
        left = select(attempts.c.attempt_id, attempts.c.campaign, attempts.c.phone).where(
            IS_OPEN, attempts.c.state == before.value
        )
        with self._database.transaction() as connection:
            rows = connection.execute(left).all()
            for row in rows:
                connection.execute(
                    update(attempts)
                    .where(attempts.c.attempt_id == row.attempt_id)
                    .values(state=after.value, **values)
                )
                connection.execute(
                    update(contacts)
                    .where(contacts.c.campaign == row.campaign, contacts.c.phone == row.phone)
                    .values(state=state.value, reason=f"may have rung: {_LOST}" if is_lost else "")
                )
        return len(rows)

    def backup(self, target: Path) -> None:
        """Write a consistent copy, while runs go on."""
        already_there = InputError(
            f"{target} exists", hint="choose another name: nothing is overwritten"
        )
        try:
            self._database.backup(target)
        except FileExistsError:
            raise already_there from None
        except OSError as error:
            raise LedgerError(
                f"{target} cannot be written: {error.strerror}",
                hint="name a file in a folder that exists and that you may write to",
            ) from None

    def check_whole(self) -> None:
        """Raises LedgerError for one that a run would refuse. Changes nothing."""
        if self._database.url is not None:
            from callagent_cli.ledger import server

            return server.check_whole(self._database, self._journal)
        with in_words(self._lock_path.parent):
            identity.check_whole(self._database, self._journal)
        return None

    def latest_event_at(self) -> datetime | None:
        """The latest time recorded; a clock that is behind it cannot be trusted."""
        return _latest(self._database)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_run_on(self) -> bool:
        if self._database.url is None:
            return is_held(self._lock_path)
        with self._database.reading() as connection:
            now = self._database.now(connection, self._clock.now())
            return holder_of(connection, now) is not None


def _create_alone(path: Path, journal: Journal, lock: Path) -> None:
    """Make the files under the run's lock: of many first runs only one may."""
    handle = take_lock(lock)
    if handle is None:
        raise LedgerBusy(
            "another run has just begun", hint="wait for it to end, or look at `callagent status`"
        )
    try:
        if check_files(path, journal):  # nobody was quicker
            identity.create(path, journal)
    finally:
        os.close(handle)


def _bring_up_to_date(database: Database, lock: Path, clock: Clock) -> None:
    if identity.schema_version(database) == SCHEMA_VERSION:
        return
    handle = take_lock(lock)  # an older program may be at work
    if handle is None:
        raise busy(database)
    try:
        version = identity.schema_version(database)
        if version < SCHEMA_VERSION:
            identity.check_undamaged(database)
            migrations.migrate(database, version, clock.now())
    finally:
        os.close(handle)


def recover_files(state_dir: Path, *, name: str, clock: Clock) -> int:
    """Make ledger and journal agree again; see ledger.recovery. Returns calls taken in."""
    path, journal, lock = files_of(state_dir, name)
    prepare_folder(state_dir)
    with in_words(state_dir):
        handle = take_lock(lock)
        if handle is None:
            raise LedgerBusy("a run is on", hint="end it first")
        try:
            return recovery.recover(path, journal, clock.now())
        finally:
            os.close(handle)


def _latest(database: Database) -> datetime | None:
    times = (runs.c.heartbeat_at, attempts.c.claimed_at, call_counts.c.latest_end_at)
    with database.reading() as connection:
        latest = [connection.execute(select(func.max(column))).scalar_one() for column in times]
    return max((at for at in map(unstamp, latest) if at is not None), default=None)
