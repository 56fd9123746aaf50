"""One connection, one writer at a time, every error in words.

SQLite in WAL mode with full sync: a step that has returned survives a crash and a power cut.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from callagent_cli.domain.errors import LedgerError
from callagent_cli.ledger.files import hint_for
from callagent_cli.ledger.folder import sync_folder

_SETTINGS = (
    "PRAGMA busy_timeout=5000",  # milliseconds
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)
_DURABLE = ("PRAGMA synchronous=FULL", "PRAGMA fullfsync=1")
# text, JSON or a time that nobody can read is a ValueError; sqlite3 decodes even its own
# messages, and a damaged page may be quoted in them
_BROKEN = (SQLAlchemyError, sqlite3.Error, ValueError)
_LOG_AHEAD = ("PRAGMA journal_mode=WAL",)


def stamp(at: datetime) -> str:
    """A time as the ledger stores it; sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def unstamp(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


class Conflict(LedgerError):
    """A rule kept in SQL refused the step: it changed nothing."""


class Database:
    """Invariant: a transaction that raises has changed nothing, or no dial follows it.

    is_draft: everything is in the one file as soon as it is committed, so that the file can
    be moved; no write-ahead log whose last copying back may fail in silence.
    """

    dialect = "sqlite"
    url: str | None = None  # of the server that has the ledger
    where: str  # the ledger is, for people

    def __init__(self, path: Path, *, is_readonly: bool = False, is_draft: bool = False) -> None:
        self.path, self.is_readonly = path, is_readonly
        self.where = str(path)
        self._lock = threading.RLock()
        self._is_sound = True
        self._engine = _engine(path, is_readonly=is_readonly, is_draft=is_draft)
        try:
            self._connection = self._engine.connect()
        except _BROKEN as error:
            self._engine.dispose()
            raise unusable(path, error) from None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, self._in_words(), self._connection.begin():
            yield self._connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction that begins when every earlier one of this kind has ended, anywhere: on
        one file they all are."""
        with self.transaction() as connection:
            yield connection

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        """A transaction that overlaps none that is `alone`, anywhere; others of its own kind it
        may overlap."""
        with self.transaction() as connection:
            yield connection

    @contextmanager
    def in_turn(self) -> Iterator[Connection]:
        """As `beside`, one at a time. What it writes may be lost without harm until the next
        transaction of another kind: its commit does not wait for the disk."""
        with self.beside() as connection:
            yield connection

    @contextmanager
    def one_at_a_time(self, what: str) -> Iterator[None]:
        """A span of many transactions that no other process is in: on one file that is so."""
        del what
        yield

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A transaction for what no promise rests on: when it fails, calls go on all the same."""
        with self._lock, self._in_words(is_vital=False), self._connection.begin():
            yield self._connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """On one connection a read inside a transaction of its own is also a consistent one."""
        with self.transaction() as connection:
            yield connection

    @contextmanager
    def at_a_glance(self) -> Iterator[Connection]:
        """For one statement that reads."""
        with self.reading() as connection:
            yield connection

    def now(self, connection: Connection, fallback: datetime) -> datetime:
        """The clock by which leases are kept. fallback: this process's own."""
        del connection
        return fallback

    def require_sound(self) -> None:
        """Refuse to go on towards a dial once any step has failed: a commit that raised may
        still be found on the disk, and what is begun after it could not be trusted."""
        if not self._is_sound:
            raise LedgerError(
                f"a step in the ledger {self.where} failed earlier; nothing more is dialled",
                hint="start the same command again",
            )

    @contextmanager
    def _in_words(self, *, is_vital: bool = True) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict(f"the ledger refused the step: {error.orig}") from None
        except _BROKEN as error:
            self._is_sound = self._is_sound and not is_vital
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> LedgerError:
        return unusable(self.path, error)

    def condemn(self) -> None:
        """Let no further dial begin: this process is no longer the one that may."""
        self._is_sound = False

    def backup(self, target: Path) -> None:
        """Write a consistent copy, while others write. Raises FileExistsError rather than
        overwrite; leaves nothing behind when it fails."""
        handle = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with self._lock, self._in_words():
                self._copy_to(target)
            os.fsync(handle)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        sync_folder(target.parent)

    def _copy_to(self, target: Path) -> None:
        source = self._connection.connection.driver_connection
        copy = sqlite3.connect(target)
        try:
            source.backup(copy)  # type: ignore[union-attr]  # the driver is sqlite3
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without side files
        finally:
            copy.close()

    def purge(self) -> None:
        """Leave no byte of what was deleted: in the file, in free pages, in the log ahead."""
        with self._lock, self._in_words():
            raw = self._connection.connection.driver_connection
            raw.execute("VACUUM")  # type: ignore[union-attr]  # the driver is sqlite3
            told = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
            is_busy, _, _ = told.fetchone()
        if is_busy:
            raise LedgerError(
                f"another program reads {self.path}: what was erased still stands in its log",
                hint="end `status --watch`, `logs` or a report that is on, then give it again",
            )

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._engine.dispose()


def _engine(path: Path, *, is_readonly: bool, is_draft: bool) -> Engine:
    # never "rwc": opening must not make an empty ledger out of a missing one
    uri = f"{path.absolute().as_uri()}?mode={'ro' if is_readonly else 'rw'}"
    engine = create_engine(
        "sqlite+pysqlite://",
        poolclass=StaticPool,
        creator=lambda: sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False
        ),
    )
    settings = _SETTINGS if is_readonly else (*_SETTINGS, *_DURABLE)
    if not is_readonly and not is_draft:
        settings = (*settings, *_LOG_AHEAD)
    begin = "BEGIN" if is_readonly else "BEGIN IMMEDIATE"  # a claim that reads first must not race

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in settings:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def unusable(path: Path, error: Exception) -> LedgerError:
    """What went wrong with the ledger's file, without statements or their values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    words = str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
    if isinstance(cause, ValueError):  # its own words may quote what they stumbled on
        words = "it holds a value that cannot be read"
    return LedgerError(f"the ledger {path} cannot be used: {words}", hint=hint_for(words))
