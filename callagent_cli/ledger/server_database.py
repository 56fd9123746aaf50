"""A ledger on PostgreSQL: the same steps, for many processes on many hosts.

Every step commits on the disk of the server before it returns (`synchronous_commit` is the
server's own and is asked to be on). Steps that must see everything that was committed before them
take the ledger's one lock: `alone`. Called by: the store, for a `database_url`.
"""

import json
import logging
import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InvalidatePoolError,
    OperationalError,
    SQLAlchemyError,
)

from callagent_cli.domain.errors import LedgerAway, LedgerBusy, LedgerError
from callagent_cli.ledger.database import Database

_GATE = 0x43A11A61  # the key of the advisory lock: one ledger a schema, see `_lock_key`
_CONNECTIONS = 8  # kept open by one process, at most; each step needs one
_CONNECT_S = 5
# a wire that is cut says nothing: ask the other end for a sign of life, and wait 20 s at most for
# a receipt of what was sent, instead of the system's quarter of an hour
LIVELY = {
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_PATIENCE_S = 300  # with another host that takes in a file
_TURN = 0x43A11A63  # likewise, of the turns of a fleet
_SPAN = 0x43A11A62  # the key of what takes more than one transaction
_HOLD = text("SELECT pg_advisory_lock(:key, hashtext(:schema))")
_LET_GO = text("SELECT pg_advisory_unlock(:key, hashtext(:schema))")
_USUAL = text("SET lock_timeout TO '60s'")
_MISSING = "install what it needs: pip install 'callagent-cli[fleet]'"


class ServerDatabase(Database):
    """path: beside which this host's journals stand; there is no file of that name."""

    dialect = "postgresql"

    def __init__(self, url: str, path: Path, *, schema: str, is_readonly: bool = False) -> None:
        self.path, self.is_readonly, self.schema = path, is_readonly, schema
        self.url, self._url = url, _parsed(url)
        self.where = self._url.set(password=None, query={}).render_as_string()
        self._is_sound = True
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # we tell it in our own words
        self._engine = self._made_engine()
        # the same connections, made once: to ask for one each time costs more than the query
        self._free = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._calm = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with self._in_words():
            self._engine.connect().close()

    def _made_engine(self) -> Engine:
        try:
            engine = create_engine(
                self._url,
                pool_size=_CONNECTIONS,
                max_overflow=56,  # as many as one process may have lanes
                pool_use_lifo=True,  # the one that was just used has its statements prepared
                json_serializer=_written,
                connect_args={
                    "connect_timeout": _CONNECT_S,
                    "application_name": "callagent",
                    **LIVELY,
                },
            )
        except ImportError:
            raise LedgerError(
                "database_url needs the driver of PostgreSQL", hint=_MISSING
            ) from None
        schema = self.schema

        @event.listens_for(engine, "connect")
        def _settle(connection: Any, record: Any) -> None:
            record.info["is_new"] = True
            with connection.cursor() as cursor:
                cursor.execute(f"SET search_path TO {schema}")
                cursor.execute("SET synchronous_commit TO on")
                cursor.execute(_USUAL.text)
                cursor.execute("SET idle_in_transaction_session_timeout TO '120s'")
            connection.commit()

        @event.listens_for(engine, "checkout")
        def _require_alive(connection: Any, record: Any, _proxy: object) -> None:
            """A server that was restarted costs nobody a step. Nothing is sent for that: it says
            goodbye by itself, and who was asked nothing has nothing else to say."""
            if record.info.pop("is_new", False):
                return
            ear = select.poll()
            ear.register(connection, select.POLLIN)
            if ear.poll(0):
                raise InvalidatePoolError("the server has ended this connection")

        return engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._in_words(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction that begins when every earlier one of this kind has ended, anywhere."""
        with self._in_words(), self._engine.begin() as connection:
            connection.execute(_LOCK, {"key": _GATE, "schema": self.schema})
            yield connection

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        with self._in_words(), self._engine.begin() as connection:
            connection.execute(_LOCK_BESIDE, {"key": _GATE, "schema": self.schema})
            yield connection

    @contextmanager
    def in_turn(self) -> Iterator[Connection]:
        with self._in_words(), self._engine.begin() as connection:
            asked = {"key": _GATE, "turn": _TURN, "schema": self.schema}
            connection.execute(_LOCK_IN_TURN, asked)
            yield connection

    @contextmanager
    def one_at_a_time(self, what: str) -> Iterator[None]:
        """Waits for whoever is in it; raises LedgerBusy when that takes too long."""
        with self._in_words(is_vital=False), self._free.connect() as connection:
            asked = {"key": _SPAN, "schema": f"{self.schema} {what}"}
            connection.execute(text(f"SET lock_timeout TO '{_PATIENCE_S}s'"))
            try:
                connection.execute(_HOLD, asked)
            except OperationalError:
                raise LedgerBusy(
                    f"another host is still at it: {what}", hint="start the same command again"
                ) from None
            try:
                yield
            finally:
                connection.execute(_LET_GO, asked)
                connection.execute(_USUAL)

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        with self._in_words(is_vital=False), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """What it reads is of one moment."""
        with self._in_words(is_vital=False), self._calm.begin() as connection:
            yield connection

    @contextmanager
    def at_a_glance(self) -> Iterator[Connection]:
        with self._in_words(is_vital=False), self._free.connect() as connection:
            yield connection

    def now(self, connection: Connection, fallback: datetime) -> datetime:
        """The server's clock: hosts may disagree."""
        del fallback
        told: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return told

    def exists(self) -> bool:
        """Whether a ledger has been made there."""
        with self.aside() as connection:
            return self.holds_ledger(connection)

    def holds_ledger(self, connection: Connection) -> bool:
        """Inside the caller's transaction."""
        asked = text("SELECT to_regclass(:name) IS NOT NULL")
        return bool(connection.execute(asked, {"name": f"{self.schema}.meta"}).scalar_one())

    def backup(self, target: Path) -> None:
        from callagent_cli.ledger.copying import back_up

        back_up(self, target)

    def purge(self) -> None:
        """Free the rows that were deleted. The server's own log and backups are the server's."""
        with self._in_words(), self._free.connect() as connection:
            connection.execute(text("VACUUM"))

    def close(self) -> None:
        self._engine.dispose()

    def _unusable(self, error: Exception) -> LedgerError:
        """Without statements, values or the password."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        words = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        if not isinstance(error, SQLAlchemyError):
            words = "it holds a value that cannot be read"
        if self._url.password:
            words = words.replace(str(self._url.password), "…")
        return LedgerAway(
            f"the ledger {self.where} cannot be used: {words}",
            hint="see that the server answers (`pg_isready`), then start the same command again",
        )


def _written(value: object) -> str:
    try:
        return json.dumps(value)
    except TypeError as error:
        raise ValueError(str(error)) from None


# one key for the ledger, so that two schemas of one database do not wait for each other
_LOCK = text("SELECT pg_advisory_xact_lock(:key, hashtext(:schema))")
_LOCK_BESIDE = text("SELECT pg_advisory_xact_lock_shared(:key, hashtext(:schema))")
_LOCK_IN_TURN = text(
    "SELECT pg_advisory_xact_lock_shared(:key, hashtext(:schema)), "
    "pg_advisory_xact_lock(:turn, hashtext(:schema)), "
    "set_config('synchronous_commit', 'off', true)"
)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError(
            "database_url is no URL", hint="as postgresql+psycopg://user@host/database"
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise LedgerError(
            f"database_url names {parsed.get_backend_name()}, which is not supported",
            hint="as postgresql+psycopg://user@host/database",
        )
    return parsed.set(drivername="postgresql+psycopg")
