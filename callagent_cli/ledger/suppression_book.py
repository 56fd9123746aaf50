"""The do-not-call list: one for all campaigns.

A number is found by a salted hash, so that a person may be forgotten and still not be called.
Changes are made while runs are on: each batch is one short transaction, additions come before
removals.
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from itertools import islice

from sqlalchemy import Connection, Row, delete, func, insert, select

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.contact import FORGOTTEN
from callagent_cli.domain.suppression import BY_WISH, LIST_PREFIX, NumberList, Suppression
from callagent_cli.ledger.database import Database, stamp
from callagent_cli.ledger.list_agreement import agree, changes_so_far, set_changes
from callagent_cli.ledger.list_journal import ListChange, ListJournal
from callagent_cli.ledger.schema import meta, number_lists, suppressions
from callagent_cli.ledger.upsert import upsert

_BATCH = 2000
_PAGE = 1000
_BY_HASH = select(suppressions).limit(1)  # one reason is enough


class SuppressionBook:
    _database: Database
    _clock: Clock
    _salt: bytes | None = None

    @property
    def _list_journal(self) -> ListJournal:
        return ListJournal(self._database.path)

    def suppression_of(self, phone: str) -> Suppression | None:
        """Why a number must not be called: one reason of maybe several; None: it is not listed."""
        with self._database.at_a_glance() as connection:
            return self._suppressed(connection, phone)

    def suppressions_of(self, phone: str) -> list[Suppression]:
        """Every reason for which a number must not be called, oldest first."""
        with self._database.reading() as connection:
            hashed = suppressions.c.phone_hash == self._hash(connection, phone)
            found = select(suppressions).where(hashed).order_by(suppressions.c.added_at)
            return [_suppression(row) for row in connection.execute(found)]

    def suppress(
        self, phone: str, *, source: str, reason: str = "", campaign: str = "", by: str = ""
    ) -> bool:
        """Add a number; False when it is there already, for the same source."""
        said = Suppression(source, self._clock.now(), reason, phone, campaign, by)
        with self._database.alone() as connection:
            return self._add(connection, said)

    def lift(self, phone: str) -> list[Suppression]:
        """Take a number off every list; returns the reasons for which it was there."""
        with self._database.alone() as connection:
            hashed = suppressions.c.phone_hash == self._hash(connection, phone)
            found = [
                _suppression(row) for row in connection.execute(select(suppressions).where(hashed))
            ]
            connection.execute(delete(suppressions).where(hashed))
            if found:
                self._note(connection, ListChange(0, self._hash(connection, phone)))
        return found

    def import_list(self, name: str, phones: Iterable[str], *, as_of: date, digest: str) -> int:
        """Replace a list by a newer one; returns how many numbers it holds. Constant memory.

        digest: SHA-256 of its file. The new numbers count batch by batch, the old ones until
        the last batch is in.
        """
        source, now = f"{LIST_PREFIX}{name}", stamp(self._clock.now())
        this_import = secrets.token_hex(8)
        rows = iter(phones)
        while batch := list(islice(rows, _BATCH)):
            with self._database.alone() as connection:
                self._add_listed(connection, source, batch, now, this_import)
        listed = suppressions.c.source == source
        with self._database.alone() as connection:
            connection.execute(
                delete(suppressions).where(listed, suppressions.c.seen_in != this_import)
            )
            n = connection.execute(select(func.count()).where(listed)).scalar_one()
            connection.execute(delete(number_lists).where(number_lists.c.name == name))
            values = {"name": name, "as_of": as_of.isoformat(), "imported_at": now}
            connection.execute(insert(number_lists).values(**values, numbers=n, sha256=digest))
        return n

    def number_lists(self) -> list[NumberList]:
        with self._database.reading() as connection:
            rows = connection.execute(select(number_lists).order_by(number_lists.c.name)).all()
        return [
            NumberList(
                row.name,
                date.fromisoformat(row.as_of),
                datetime.fromisoformat(row.imported_at),
                row.numbers,
                row.sha256,
            )
            for row in rows
        ]

    def count_suppressed(self) -> dict[str, int]:
        """Source → numbers."""
        n = func.count().label("n")
        counted = select(suppressions.c.source, n).group_by(suppressions.c.source)
        with self._database.reading() as connection:
            return {row.source: row.n for row in connection.execute(counted)}

    def suppressed(self) -> Iterator[Suppression]:
        """Everybody on the list, page by page."""
        after = ("", "")
        key = (suppressions.c.phone_hash, suppressions.c.source)
        while True:
            page = select(suppressions).order_by(*key).limit(_PAGE)
            later = (key[0] > after[0]) | ((key[0] == after[0]) & (key[1] > after[1]))
            with self._database.reading() as connection:
                rows = connection.execute(page.where(later)).all()
            if not rows:
                return
            yield from (_suppression(row) for row in rows)
            after = (rows[-1].phone_hash, rows[-1].source)

    def hash_of(self, phone: str) -> str:
        """Salted by the ledger's own secret: it cannot be looked up in a table of all numbers
        without the ledger."""
        if self._salt is None:
            with self._database.reading() as connection:
                return self._hash(connection, phone)
        return _hashed(self._salt, phone)

    def _suppressed(self, connection: Connection, phone: str) -> Suppression | None:
        """Inside the caller's transaction."""
        if phone.startswith(FORGOTTEN):
            return Suppression(BY_WISH, self._clock.now())
        hashed = suppressions.c.phone_hash == self._hash(connection, phone)
        row = connection.execute(_BY_HASH.where(hashed)).first()
        return _suppression(row) if row else None

    def _all_suppressed(
        self, connection: Connection, phones: Sequence[str]
    ) -> dict[str, Suppression]:
        """Inside the caller's transaction; those of the numbers that are on a list."""
        hashed = {self._hash(connection, phone): phone for phone in phones}
        found = select(suppressions).where(suppressions.c.phone_hash.in_(hashed))
        rows = connection.execute(found.order_by(suppressions.c.added_at.desc()))
        return {hashed[row.phone_hash]: _suppression(row) for row in rows}

    def _forgotten(self, connection: Connection, phones: Sequence[str]) -> set[str]:
        """Inside the caller's transaction; those of the numbers whose person was forgotten."""
        by_wish = suppressions.c.source == BY_WISH
        if connection.execute(_BY_HASH.where(by_wish)).first() is None:
            return set()
        hashed = {self._hash(connection, phone): phone for phone in phones}
        found = select(suppressions.c.phone_hash).where(by_wish)
        these = found.where(suppressions.c.phone_hash.in_(hashed))
        return {hashed[row] for row in connection.scalars(these)}

    def _add(self, connection: Connection, said: Suppression) -> bool:
        """Inside the caller's transaction; what is there already stays as it is."""
        is_forgotten = self._forgotten(connection, [said.phone])
        added = upsert(connection, suppressions).values(
            phone_hash=self._hash(connection, said.phone),
            source=said.source,
            phone=None if is_forgotten else said.phone,
            added_at=stamp(said.added_at),
            seen_in="",
            reason=said.reason,
            campaign=said.campaign,
            added_by=said.by,
        )
        is_new = connection.execute(added.on_conflict_do_nothing()).rowcount == 1
        if is_new:
            hashed = self._hash(connection, said.phone)
            self._note(connection, ListChange(0, hashed, said.source, stamp(said.added_at)))
        return is_new

    def _note(self, connection: Connection, change: ListChange) -> None:
        """Inside the caller's transaction: should it fail after this, the next opening obeys what
        a person asked for."""
        no = changes_so_far(connection) + 1
        set_changes(connection, no)
        self._list_journal.append(replace(change, no=no))

    def _agree_with_list_journal(self) -> None:
        with self._database.alone() as connection:
            agree(connection, self._list_journal, self._salt_of(connection))

    def _add_listed(
        self, connection: Connection, source: str, phones: list[str], now: str, this_import: str
    ) -> None:
        forgotten = self._forgotten(connection, phones)
        rows = [
            {
                "phone_hash": self._hash(connection, phone),
                "source": source,
                "phone": None if phone in forgotten else phone,
                "added_at": now,
                "seen_in": this_import,
                "reason": "",
                "campaign": "",
                "added_by": "",
            }
            for phone in phones
        ]
        added = upsert(connection, suppressions)
        again = added.on_conflict_do_update(
            index_elements=["phone_hash", "source"], set_={"seen_in": added.excluded.seen_in}
        )
        connection.execute(again, rows)

    def _hash(self, connection: Connection, phone: str) -> str:
        """Inside the caller's transaction."""
        if self._salt is None:
            self._salt = self._salt_of(connection).encode()
        return _hashed(self._salt, phone)

    def _salt_of(self, connection: Connection) -> str:
        salt = connection.execute(select(meta.c.value).where(meta.c.key == "salt"))
        return str(salt.scalar_one())


def _hashed(salt: bytes, phone: str) -> str:
    return hmac.new(salt, phone.encode(), sha256).hexdigest()[:32]


def _suppression(row: Row[tuple[object, ...]]) -> Suppression:
    return Suppression(
        source=row.source,
        added_at=datetime.fromisoformat(row.added_at),
        reason=row.reason,
        phone=row.phone or "",
        campaign=row.campaign,
        by=row.added_by,
    )
