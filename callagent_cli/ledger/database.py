"""One connection, one writer at a time, every error in words.

SQLite in WAL mode with full sync: a step that has returned survives a crash and a power cut.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from callagent_cli.domain.errors import LedgerError

# a damaged file may also hold text that is none, or JSON that is none
_BROKEN = (SQLAlchemyError, sqlite3.Error, UnicodeDecodeError, JSONDecodeError)

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=1",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA busy_timeout=5000",
)
# sqlite3 decodes even its own error messages, and a damaged page may be quoted in them
_DRIVER_ERRORS = (SQLAlchemyError, sqlite3.Error, UnicodeDecodeError)


def stamp(at: datetime) -> str:
    """A time as the ledger stores it; sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def unstamp(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


class Conflict(LedgerError):
    """A rule kept in SQL refused the step: it changed nothing."""


class Database:
    """Invariant: a transaction that raises has changed nothing, or the run ends.

    is_draft: everything is in the one file as soon as it is committed, so that the file can
    be moved; no write-ahead log whose last copying back may fail in silence.
    """

    def __init__(self, path: Path, *, is_readonly: bool = False, is_draft: bool = False) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._engine = _engine(path, is_readonly=is_readonly, is_draft=is_draft)
        try:
            self._connection = self._engine.connect()
        except _DRIVER_ERRORS as error:
            raise unusable(path, error) from None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, self._in_words(), self._connection.begin():
            yield self._connection

    # On one connection a read inside a transaction of its own is also a consistent one.
    reading = transaction

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict(f"the ledger refused the step: {error.orig}") from None
        except _DRIVER_ERRORS as error:
            raise unusable(self.path, error) from None

    def backup(self, target: Path) -> None:
        """A consistent copy, made while others write; `target` must not exist."""
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(handle)
        with self._lock, self._in_words():
            source = self._connection.connection.driver_connection
            copy = sqlite3.connect(target)
            try:
                source.backup(copy)  # type: ignore[union-attr]  # the driver is sqlite3
                copy.execute("PRAGMA journal_mode=DELETE")
            finally:
                copy.close()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            self._engine.dispose()


def _engine(path: Path, *, is_readonly: bool, is_draft: bool) -> Engine:
    mode = "ro" if is_readonly else "rw"
    engine = create_engine(
        f"sqlite+pysqlite:///file:{path}?mode={mode}&uri=true",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        pragmas = _PRAGMAS[3:] if is_readonly else _PRAGMAS[1 if is_draft else 0 :]
        for pragma in pragmas:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # take the write lock at once: a claim that reads first must not lose a race
        connection.exec_driver_sql("BEGIN" if is_readonly else "BEGIN IMMEDIATE")

    return engine


def unusable(path: Path, error: Exception) -> LedgerError:
    """What went wrong with the ledger's file, without statements or their values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    words = str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
    return LedgerError(f"the ledger {path} cannot be used: {words}", hint=_hint(words))


def _hint(words: str) -> str:
    if "full" in words:
        return "free some disk space, then start the same command again"
    if "readonly" in words or "unable to open" in words:
        return "make the state_dir writable for this user"
    if "locked" in words:
        return "another program holds the file; end it, then start again"
    if any(damage in words for damage in ("malformed", "not a database", "Decode")):
        return "restore a backup, or run `callagent ledger recover`"
    return "nothing more was dialled; start the same command again"
